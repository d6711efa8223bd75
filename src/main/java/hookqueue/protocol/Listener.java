package hookqueue.protocol;

import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Phaser;
import java.util.concurrent.Semaphore;
import org.newsclub.net.unix.AFUNIXSelectorProvider;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts connections until the worker has been idle, with nobody connected, for the idle timeout.
 *
 * <p>It runs on the main thread. One thread both accepts and decides to end, so a connection is
 * either accepted and served, or it is still in systemd's socket when the worker has exited, where
 * it starts the next worker. The sockets are never closed: closing would shut down the socket that
 * systemd shares with this process.
 *
 * <p>The thread sleeps until a client connects, until {@link #wake()}, or until the idle timeout is
 * over. It does no disk I/O. Only while clients are connected it wakes once a second, to give up on
 * those that do not read.
 */
public final class Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);
    static final int MOST_SESSIONS = 64;

    /** Fewer than connections, so that hooks find a free one however many CI jobs wait. */
    static final int MOST_SLOW = 48;

    /** More long lines at a time would fill the heap. */
    static final int MOST_LONG_LINES = 2;

    private static final Duration UNREAD = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofDays(1);

    /** More failures in a row than signals can cause. */
    private static final int MOST_FAILURES = 1_000;

    private static final Duration WARN_EVERY = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofMillis(500);
    private static final byte[] TOO_MANY =
            "error more than 64 connections; try again later\n".getBytes(StandardCharsets.US_ASCII);

    private final Selector selector;
    private final String storeDir;
    private final RequestHandler answers;
    private final Duration idleTimeout;
    private final Semaphore longLines = new Semaphore(MOST_LONG_LINES, true);
    private final Semaphore slowRequests = new Semaphore(MOST_SLOW);
    private final SessionThreads threads = new SessionThreads();
    private final Map<Session, Thread> sessions = new ConcurrentHashMap<>();

    /** A phase for each time that {@link #run} has looked for connections. */
    private final Phaser turns = new Phaser(1);

    /** When the last session ended. */
    private volatile long sessionEnded = System.nanoTime();

    private long looked = System.nanoTime();
    private int failuresInARow;
    private long fullSince;
    private long lastWarning = System.nanoTime() - WARN_EVERY.toNanos();
    private volatile boolean stopping;

    /** What the listener asks about the rest of the worker. */
    @FunctionalInterface
    public interface Work {
        /**
         * Whether anything is queued, deferred or running. Called when the idle timeout is over;
         * after {@code true} again after {@link #wake()}, or a second later.
         */
        boolean remains() throws InterruptedException;

        /**
         * The last known answer, without waiting for anything. When it turns false, {@link #wake()}
         * must follow.
         */
        default boolean isBusy() {
            return false;
        }
    }

    /** Without work and connections, {@link #run} returns after {@code idleTimeout}. */
    public Listener(
            List<AFUNIXServerSocketChannel> sockets,
            String storeDir,
            RequestHandler answers,
            Duration idleTimeout)
            throws IOException {
        this.selector = AFUNIXSelectorProvider.provider().openSelector();
        this.storeDir = storeDir;
        this.answers = answers;
        this.idleTimeout = idleTimeout;
        for (AFUNIXServerSocketChannel socket : sockets) {
            socket.configureBlocking(false);
            socket.register(selector, SelectionKey.OP_ACCEPT);
        }
    }

    /** Serves until idle, or until {@link #stop()}. */
    public void run(Work work) throws IOException, InterruptedException {
        long busyUntil = System.nanoTime();
        boolean remains = false;
        while (!stopping) {
            boolean busy = work.isBusy();
            boolean occupied = busy || !sessions.isEmpty();
            select(occupied ? forLook() : remains ? LOOK.toMillis() : untilIdle(busyUntil));
            boolean accepted = acceptReady();
            dropUnreadReplies();
            turns.arrive();
            if (busy || accepted) {
                busyUntil = System.nanoTime();
                remains = false;
            } else if (sessions.isEmpty() && idleFor(busyUntil) >= idleTimeout.toNanos()) {
                remains = work.remains();
                if (!remains) {
                    return;
                }
            }
        }
    }

    private long idleFor(long busyUntil) {
        long now = System.nanoTime();
        return Math.min(now - busyUntil, now - sessionEnded);
    }

    /** Once a second, while clients are connected. */
    private void dropUnreadReplies() {
        long now = System.nanoTime();
        if (now - looked >= LOOK.toNanos()) {
            looked = now;
            sessions.keySet().forEach(session -> session.giveUpWriting(UNREAD));
        }
    }

    /**
     * A signal that arrives at this thread interrupts poll(2), and junixsocket throws. The next
     * call waits again. An error that lasts is thrown.
     */
    private void select(long millis) throws IOException {
        try {
            selector.select(millis);
            failuresInARow = 0;
        } catch (SocketException e) {
            if (++failuresInARow == MOST_FAILURES) {
                throw e;
            }
            LOG.debug("cannot wait for connections: {}", e.toString());
        }
    }

    /**
     * In milliseconds: a worker that is paused or offline sleeps. The end of a session does not
     * wake this thread: under a stream of hooks that would be a second turn for each.
     */
    private long forLook() {
        return sessions.isEmpty()
                ? LONGEST.toMillis()
                : Math.clamp(idleTimeout.toMillis(), 100, LOOK.toMillis());
    }

    private long untilIdle(long busyUntil) {
        long left = idleTimeout.toNanos() - idleFor(busyUntil);
        // To this selector, 0 is no wait.
        return Math.max(1, (left + 999_999) / 1_000_000);
    }

    /** Makes {@link #run} look again; may be called from any thread. */
    public void wake() {
        selector.wakeup();
    }

    /** Wakes the accepting thread and waits until it has looked for connections once. */
    public void awaitTurn() throws InterruptedException {
        int turn = turns.getPhase();
        selector.wakeup();
        turns.awaitAdvanceInterruptibly(turn);
    }

    /** Makes {@link #run} return soon; may be called from any thread. */
    public void stop() {
        stopping = true;
        selector.wakeup();
    }

    /** Ends all sessions; call it after {@link #run} has returned. */
    public void closeSessions(Duration most) throws InterruptedException {
        threads.close(most);
        for (Map.Entry<Session, Thread> each : sessions.entrySet()) {
            each.getKey().close();
            each.getValue().interrupt();
        }
        long end = System.nanoTime() + most.toNanos();
        for (Thread thread : sessions.values()) {
            thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
        }
    }

    /**
     * Accepts one connection of each ready socket. To try until there is none would be a call more
     * for each connection, and junixsocket parses the socket's address in each.
     */
    private boolean acceptReady() {
        boolean any = false;
        for (SelectionKey ready : selector.selectedKeys()) {
            try {
                AFUNIXSocketChannel channel =
                        ((AFUNIXServerSocketChannel) ready.channel()).accept();
                if (channel != null) {
                    any = true;
                    serve(channel);
                }
            } catch (IOException e) {
                warn("cannot accept a connection", e);
                pause();
            }
        }
        selector.selectedKeys().clear();
        return any;
    }

    private void serve(AFUNIXSocketChannel channel) throws IOException {
        try {
            begin(channel);
        } catch (IOException e) {
            warn("cannot serve a connection", e);
            channel.close();
        }
    }

    /** The accept loop may fail 200 times a second. */
    private void warn(String problem, IOException e) {
        if (System.nanoTime() - lastWarning > WARN_EVERY.toNanos()) {
            lastWarning = System.nanoTime();
            LOG.warn("{}: {}", problem, e.toString());
        }
    }

    private void begin(AFUNIXSocketChannel channel) throws IOException {
        if (!roomSoon()) {
            refuse(channel);
            return;
        }
        channel.configureBlocking(true);
        var session =
                new Session(
                        new Connection(channel),
                        storeDir,
                        answers,
                        Session.Patience.STANDARD,
                        longLines,
                        slowRequests,
                        this::ended);
        SessionThreads.Worker worker = threads.take();
        sessions.put(session, worker.thread);
        try {
            worker.run(session);
        } catch (OutOfMemoryError e) { // the JDK throws this at the limit on processes
            sessions.remove(session);
            throw new IOException("no thread for it: " + e.getMessage(), e);
        }
    }

    private void ended(Session session) {
        sessionEnded = System.nanoTime();
        sessions.remove(session);
    }

    /**
     * Waits up to 500 ms for a place, so that a burst of hooks gets in; once the places have been
     * occupied for so long, it does not wait.
     */
    private boolean roomSoon() {
        if (sessions.size() < MOST_SESSIONS) {
            fullSince = 0;
            return true;
        }
        if (fullSince == 0) {
            fullSince = System.nanoTime();
        }
        while (sessions.size() >= MOST_SESSIONS
                && System.nanoTime() - fullSince < PATIENCE.toNanos()) {
            pause();
        }
        return sessions.size() < MOST_SESSIONS;
    }

    private static void refuse(AFUNIXSocketChannel channel) {
        try (channel) {
            channel.configureBlocking(false);
            if (channel.write(ByteBuffer.wrap(TOO_MANY)) < TOO_MANY.length) {
                LOG.debug("a refused client could not be told");
            }
        } catch (IOException e) {
            LOG.debug("a refused client is gone: {}", e.toString());
        }
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
