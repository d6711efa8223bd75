package hookqueue.delivery;

import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import hookqueue.nix.Progress;
import hookqueue.queue.BatchResult;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * One destination: reads due entries, sends them through as many child processes as its {@link
 * Dispatcher} permits, and records verdicts.
 *
 * <pre>
 *   the lane's thread owns all state        slot threads only run a transport
 *     read the queue    ─► dispatcher ─► start ──────► carry
 *     record verdicts   ◄─ dispatcher ◄─ mailbox ◄──── outcome
 * </pre>
 *
 * <p>The queue holds all durable state. A restart forgets only the memory of {@link DeliveryPolicy}
 * and {@link BatchPlanner}: the lane may then need a few more child processes to prove a failure,
 * or to send dependencies first. Lanes do not wait for one another.
 */
public final class Lane {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);
    private static final long LOOK_AGAIN_MILLIS = 60_000;

    private final String name;
    private final Improvement improvement;
    private final Queue queue;
    private final LaneQueue rows;
    private final LaneLog log;
    private final InstantSource clock;
    private final Consumer<Throwable> fatal;
    private final Thread thread;
    private final Link link;
    private final Dispatcher dispatcher;
    private final Slots slots;
    private final LaneTime time = new LaneTime();
    private final BlockingQueue<Message> mailbox = new LinkedBlockingQueue<>();
    private final AtomicLong delivered = new AtomicLong();

    private final Gathering gathering = new Gathering(System.nanoTime());

    /** To be run when no child process runs; null while the lane may start one. */
    private @Nullable Runnable draining;

    /**
     * Limits of a lane.
     *
     * @param batchSize most paths for one child process, at least 1
     * @param worthAChild fewest paths that get a child process of their own
     * @param maxAttempts a path that was blamed this often is failed
     */
    public record Limits(int batchSize, int worthAChild, int maxAttempts) {
        /** The same limits, with batches of at most this many paths. */
        public Limits atMost(int paths) {
            return new Limits(Math.min(batchSize, paths), worthAChild, maxAttempts);
        }
    }

    /** A running child process. */
    public record Batch(int paths, Instant since, Progress progress) {}

    /** What the lane's thread does on request of another one. */
    private interface Message {
        void handle() throws InterruptedException;
    }

    /** Has a slot for each transport. */
    public Lane(
            String name,
            Improvement improvement,
            List<Transport> transports,
            Link link,
            ClosureSource closures,
            Queue queue,
            Limits limits,
            DoubleSupplier random,
            InstantSource clock,
            Consumer<Throwable> fatal) {
        this.name = name;
        this.improvement = improvement;
        this.queue = queue;
        this.rows = new LaneQueue(name, queue, limits.batchSize(), Backoff.standard(random));
        this.log = new LaneLog(name, limits.maxAttempts());
        this.clock = clock;
        this.fatal = fatal;
        this.link = link;
        this.dispatcher =
                new Dispatcher(
                        transports.size(),
                        limits.batchSize(),
                        () -> link.isNear() ? limits.batchSize() : limits.worthAChild(),
                        limits.maxAttempts(),
                        closures,
                        random);
        this.slots = new Slots(name, transports, ended -> send(() -> ended(ended)));
        this.thread = new Thread(this::serve, "lane " + name);
    }

    /** The lane's name in the queue. */
    public String name() {
        return name;
    }

    /** What an operator could change at the destination's URL. */
    public Improvement improvement() {
        return improvement;
    }

    /** The running child processes, the oldest first. */
    public List<Batch> running() {
        return slots.running();
    }

    /** How many paths it has delivered since it was started. */
    public long delivered() {
        return delivered.get();
    }

    /**
     * Explains why a due path waits.
     *
     * @return completed soon with a sentence, empty if nothing in this lane delays the path
     */
    public CompletableFuture<Optional<String>> waitsFor(StorePath path) {
        var answer = new CompletableFuture<Optional<String>>();
        send(() -> answer.complete(dispatcher.waitsFor(path, clock.millis())));
        return answer;
    }

    /**
     * Starts no child process any more.
     *
     * @param drained run once, on the lane's thread, when none runs and all verdicts are recorded
     */
    void drain(Runnable drained) {
        send(() -> draining = drained);
    }

    private void send(Message message) {
        mailbox.add(message);
        queue.wake();
    }

    /** Starts the lane's thread. */
    public void start() {
        thread.start();
    }

    /** Stops the child processes and then the thread. Unrecorded entries stay queued. */
    public void stop() {
        thread.interrupt();
    }

    /** Waits for the thread to end. */
    public void join(Duration most) throws InterruptedException {
        thread.join(most);
    }

    private void serve() {
        MDC.put(LogFields.DESTINATION, name);
        try {
            while (!Thread.currentThread().isInterrupted()) {
                turn();
            }
        } catch (InterruptedException e) {
            LOG.debug("lane {} ends", name);
        } catch (RuntimeException | Error e) {
            fatal.accept(e);
        } finally {
            slots.stop();
            link.close();
        }
    }

    private void turn() throws InterruptedException {
        try {
            long seen = queue.version();
            for (Message message = mailbox.poll(); message != null; message = mailbox.poll()) {
                message.handle();
            }
            if (draining != null) {
                if (slots.running().isEmpty()) {
                    draining.run();
                    draining = () -> {};
                }
                queue.awaitChange(seen, LOOK_AGAIN_MILLIS);
                return;
            }
            long now = clock.millis();
            if (!dispatcher.hasRoom(now)) {
                long busy = dispatcher.busyFor(now);
                queue.awaitChange(seen, busy == 0 ? LOOK_AGAIN_MILLIS : busy);
                return;
            }
            long untilLook = gathering.remaining(queue.queued(), System.nanoTime());
            if (untilLook > 0) {
                Message message = mailbox.poll(untilLook, TimeUnit.NANOSECONDS);
                if (message != null) {
                    message.handle();
                }
                return;
            }
            int held = dispatcher.held();
            LaneQueue.Look look = rows.look(now, held);
            long rest = Long.MAX_VALUE;
            if (look.expected()) {
                link.open();
            } else if (dispatcher.isIdle()) {
                rest = link.rest();
            }
            long settles = look.empty() ? 0 : link.settlesIn();
            if (settles > 0) {
                queue.awaitChange(seen, settles);
                return;
            }
            List<Dispatcher.Flight> started = dispatcher.fill(look.work(), clock.millis());
            for (Dispatcher.Flight flight : started) {
                time.started(flight.group().number(), System.nanoTime());
                slots.start(flight.group(), clock.instant());
            }
            if (!dispatcher.isIdle()) {
                gathering.looked(queue.queued(), System.nanoTime());
            }
            if (!started.isEmpty()) {
                return;
            }
            if (dispatcher.isIdle() && look.empty()) {
                dispatcher.rest();
            }
            queue.awaitChange(seen, Math.min(rest, untilDue(look, now)));
        } catch (QueueException e) {
            LOG.error("{}: {}; trying again in 10s", name, e.getMessage());
            Thread.sleep(LaneQueue.TROUBLE_MILLIS);
        }
    }

    /** Bounds the wait: after a suspend, or after the clock was set, more entries are due. */
    private static long untilDue(LaneQueue.Look look, long now) {
        return look.nextDue()
                .map(due -> Math.clamp(due - now, 1, LOOK_AGAIN_MILLIS))
                .orElse(Long.MAX_VALUE / 2_000_000);
    }

    private void ended(Slots.Ended ended) throws InterruptedException {
        slots.freed(ended);
        Duration share = time.ended(ended.group().number(), System.nanoTime());
        if (ended.bug() != null) {
            throw new IllegalStateException("a transport failed", ended.bug());
        }
        DeliveryGroup group = ended.group();
        if (group.kind() == DeliveryGroup.Kind.PROOF
                && ended.outcome() instanceof DeliveryOutcome.Delivered) {
            LOG.info("{}: works, {} was taken again", name, group.members().getFirst().path());
        } else {
            log.tell(ended.outcome(), group, ended.took());
        }
        Dispatcher.Learned learned = dispatcher.learn(group, ended.outcome(), clock.millis());
        if (!(ended.outcome() instanceof DeliveryOutcome.Cancelled)) {
            record(learned, ended, share);
        }
    }

    private void record(Dispatcher.Learned learned, Slots.Ended ended, Duration share)
            throws InterruptedException {
        BatchResult run = ended.result(learned.verdicts(), share);
        long now = clock.millis();
        LaneQueue.Change change = rows.record(learned, ended.group(), run, now);
        delivered.addAndGet(run.delivered());
        learned.verdicts().forEach(verdict -> log.tell(verdict, now));
        log.tell(change, now);
    }
}
