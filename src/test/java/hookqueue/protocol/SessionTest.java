package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.SomePaths;
import hookqueue.base.StorePath;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** One session over a real socket; the client is the JDK's own. */
class SessionTest {
    private static final String STORE = "/nix/store";
    private static final Session.Patience ENDLESS =
            new Session.Patience(Duration.ofMinutes(1), Duration.ofMinutes(1));

    @TempDir Path folder;
    private AFUNIXServerSocketChannel listening;
    private SocketChannel client;
    private BufferedReader replies;
    private Session session;
    private Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Fake fake = new Fake();
    private final Semaphore slowRequests = new Semaphore(Listener.MOST_SLOW);

    /** Records the requests. */
    private static final class Fake implements RequestHandler {
        final List<Integer> together = new CopyOnWriteArrayList<>();
        final List<StorePath> queued = new ArrayList<>();
        final CountDownLatch noticed = new CountDownLatch(1);
        final Semaphore answered = new Semaphore(0);
        volatile boolean slow;
        volatile Peer peer;

        @Override
        public synchronized Pending enqueue(List<Request.Enqueue> requests) {
            together.add(requests.size());
            requests.forEach(request -> queued.addAll(request.paths()));
            return () -> {
                if (slow) {
                    answered.acquire();
                }
                return requests.stream().map(r -> "ok queued " + r.paths().size()).toList();
            };
        }

        synchronized int count() {
            return queued.size();
        }

        @Override
        public String answer(Request request, Peer from, Reply reply)
                throws IOException, InterruptedException {
            peer = from;
            return switch (request) {
                case Request.Watch watch -> {
                    try {
                        for (int i = 0; i < 3 || noticed.getCount() == 1; i++) {
                            reply.data("tick " + i);
                            reply.flush();
                            Thread.sleep(5);
                        }
                        yield "ok never";
                    } catch (IOException e) {
                        noticed.countDown();
                        throw e;
                    }
                }
                case Request.Wait wait -> {
                    reply.flush();
                    reply.flush();
                    yield "ok waited";
                }
                case Request.Listing listing -> {
                    reply.data("ok, says a path");
                    reply.data("error, says another");
                    reply.data("plain");
                    reply.data(
                            "\u001b[2J \u0007 \r\nok \u007f \u009b1m \u202e \u2028 tab\t é 漢 😀");
                    yield "ok";
                }
                case Request.Bad bad -> "error " + bad.reason();
                default -> "ok " + request.getClass().getSimpleName();
            };
        }
    }

    @BeforeEach
    void begin() throws Exception {
        Path file = folder.resolve("s");
        listening = AFUNIXServerSocketChannel.open();
        listening.bind(AFUNIXSocketAddress.of(file));
        client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.connect(UnixDomainSocketAddress.of(file));
        replies =
                new BufferedReader(
                        new InputStreamReader(
                                Channels.newInputStream(client), StandardCharsets.UTF_8));
    }

    private void serve(Session.Patience patience) throws IOException {
        session =
                new Session(
                        new Connection(listening.accept()),
                        STORE,
                        fake,
                        patience,
                        new Semaphore(Listener.MOST_LONG_LINES, true),
                        slowRequests,
                        session -> ended.countDown());
        thread = new Thread(session, "session");
        thread.start();
    }

    @AfterEach
    void end() throws Exception {
        client.close();
        session.close();
        thread.interrupt();
        thread.join(10_000);
        listening.close();
    }

    private void send(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    private static String lines(int from, int to) {
        return SomePaths.paths(from, to).stream()
                .map(path -> path.in(STORE) + "\n")
                .collect(Collectors.joining());
    }

    @Test
    void silenceInTheMiddleOfALineIsAnErrorAndClosesTheConnection() throws Exception {
        serve(new Session.Patience(Duration.ofSeconds(1), Duration.ofMinutes(1)));
        send(lines(0, 1) + "/nix/st");
        assertEquals("ok queued 1", replies.readLine(), "what was whole is taken at once");
        assertEquals("error silent for 1s in the middle of a line", replies.readLine());
        assertNull(replies.readLine());
        assertTrue(ended.await(10, TimeUnit.SECONDS));
    }

    @Test
    void silenceBetweenTwoLinesHasAnotherLimit() throws Exception {
        serve(new Session.Patience(Duration.ofMinutes(1), Duration.ofSeconds(1)));
        send("version\n");
        assertEquals("ok Version", replies.readLine());
        assertEquals("error silent for 1s between two lines", replies.readLine());
        assertNull(replies.readLine());
    }

    @Test
    void pathLinesThatCameTogetherAreQueuedTogether() throws Exception {
        send(lines(0, 200));
        serve(ENDLESS);
        for (int i = 0; i < 200; i++) {
            assertEquals("ok queued 1", replies.readLine());
        }
        assertEquals(SomePaths.paths(0, 200), fake.queued);
        assertTrue(fake.together.size() <= 3, () -> "in groups of " + fake.together);
    }

    @Test
    @Timeout(60)
    void threeBatchesMayBePendingAndEachIsAnsweredAfterItsCommit() throws Exception {
        fake.slow = true;
        send(lines(0, 3_001));
        client.shutdownOutput();
        serve(ENDLESS);
        while (fake.together.size() < 3) {
            Thread.sleep(1); // the timeout can end it
        }
        while (!fake.answered.hasQueuedThreads()) {
            Thread.sleep(1); // the timeout can end it
        }
        assertEquals(List.of(1_000, 1_000, 1_000), fake.together);
        assertFalse(replies.ready(), "nothing has been queued yet");
        fake.answered.release(4);
        for (int i = 0; i < 3_001; i++) {
            assertEquals("ok queued 1", replies.readLine());
        }
        assertNull(replies.readLine());
        assertEquals(SomePaths.paths(0, 3_001), fake.queued, "in order");
    }

    @Test
    void repliesComeInTheOrderOfTheRequests() throws Exception {
        serve(ENDLESS);
        send(lines(0, 1) + "version\n" + lines(1, 3) + "what\nhelp\n" + lines(3, 4));
        client.shutdownOutput();
        for (String expected :
                List.of(
                        "ok queued 1",
                        "ok Version",
                        "ok queued 1",
                        "ok queued 1",
                        "error neither a store path nor a word of this protocol (see help): what",
                        "ok Help",
                        "ok queued 1")) {
            assertEquals(expected, replies.readLine());
        }
        assertNull(replies.readLine(), "the server closes after its last reply");
    }

    @Test
    void noDataLineCanBeMistakenForTheLastLine() throws Exception {
        serve(ENDLESS);
        send("list\n");
        assertEquals(" ok, says a path", replies.readLine());
        assertEquals(" error, says another", replies.readLine());
        assertEquals("plain", replies.readLine());
        assertEquals(
                "?[2J ? ??ok ? ?1m ? ? tab\t é 漢 😀",
                replies.readLine(),
                "nor end a line, nor make a terminal do anything");
        assertEquals("ok", replies.readLine());
    }

    @Test
    void longRequestsAreRefusedWhenTheirConnectionsAreTaken() throws Exception {
        for (int i = 1; i < Listener.MOST_SLOW; i++) {
            assertTrue(slowRequests.tryAcquire());
        }
        serve(ENDLESS);
        send("wait\nwait\n");
        assertEquals("ok waited", replies.readLine());
        assertEquals("ok waited", replies.readLine(), "a place is free again after each answer");
        assertTrue(slowRequests.tryAcquire());
        send("wait\nwatch\nexplain " + SomePaths.path(1).in(STORE) + "\nstatus\n" + lines(0, 1));
        for (int i = 0; i < 3; i++) {
            assertEquals(
                    "error 48 clients wait, watch or explain already; try again later",
                    replies.readLine());
        }
        assertEquals("ok Status", replies.readLine());
        assertEquals("ok queued 1", replies.readLine());
        slowRequests.release();
        send("wait\n");
        assertEquals("ok waited", replies.readLine());
    }

    @Test
    void aHalfClosedClientStillGetsItsReplies() throws Exception {
        serve(ENDLESS);
        send("wait");
        client.shutdownOutput();
        assertEquals("ok waited", replies.readLine());
        assertNull(replies.readLine());
    }

    @Test
    void aDisconnectIsNoticedAndTheSentLinesAreStillHandled() throws Exception {
        send("watch\n" + lines(0, 5));
        client.close();
        serve(ENDLESS);
        assertTrue(fake.noticed.await(20, TimeUnit.SECONDS), "watch must not go on for ever");
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        assertEquals(5, fake.count());
    }

    /**
     * Reads one byte of a reply and leaves the rest: closing the socket then resets the connection.
     */
    private void readOneByte() throws IOException {
        assertEquals(1, client.read(ByteBuffer.allocate(1)));
    }

    @Test
    void aResetInTheMiddleOfALineDropsThatLine() throws Exception {
        serve(ENDLESS);
        send(lines(0, 1));
        readOneByte();
        send(lines(1, 2) + SomePaths.path(2).in(STORE) + "-cu");
        client.close();
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        assertEquals(SomePaths.paths(0, 2), fake.queued, "the lines before it count");
    }

    @Test
    void aResetDuringAWatchDropsTheIncompleteLineToo() throws Exception {
        serve(ENDLESS);
        send("watch\n");
        readOneByte();
        send(lines(1, 2) + SomePaths.path(2).in(STORE) + "-cu");
        client.close();
        assertTrue(fake.noticed.await(20, TimeUnit.SECONDS));
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        assertEquals(SomePaths.paths(1, 2), fake.queued);
    }

    @Test
    void anUnterminatedLineCountsIfTheClientClosesCleanly() throws Exception {
        serve(ENDLESS);
        send(SomePaths.path(1).in(STORE));
        client.close();
        assertTrue(ended.await(20, TimeUnit.SECONDS));
        assertEquals(SomePaths.paths(1, 2), fake.queued);
    }

    @Test
    void aClientThatNeverReadsLosesNoPath() throws Exception {
        serve(ENDLESS);
        var writer =
                new Thread(() -> {
                    try {
                        send(lines(0, 100_000));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        writer.start();
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (fake.count() < 100_000 && System.nanoTime() < end) {
            session.giveUpWriting(Duration.ofMillis(100)); // as the listener does
            Thread.sleep(10);
        }
        writer.join();
        assertEquals(100_000, fake.count());
    }

    @Test
    void knowsThePeersUser() throws Exception {
        serve(ENDLESS);
        send("version\n");
        replies.readLine();
        assertEquals(ProcessHandle.current().pid(), fake.peer.pid());
        assertTrue(new Peer(0, 1).mayOperate(1_000), "root may");
        assertTrue(new Peer(1_000, 1).mayOperate(1_000), "the worker's user may");
        assertEquals(false, new Peer(1_001, 1).mayOperate(1_000), "nobody else may");
        assertEquals(false, new Peer(65_534, 1).mayOperate(65_534), "that may be anybody");
    }
}
