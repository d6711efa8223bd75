package hookqueue.delivery;

import hookqueue.base.Durations;
import hookqueue.base.Sizes;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.nix.Progress;
import hookqueue.queue.BatchResult;
import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Pause;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.queue.Verdict;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
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
    private static final long QUEUE_TROUBLE_MILLIS = 10_000;
    private static final long LOOK_AGAIN_MILLIS = 60_000;

    /** Limits how often a lane with a free slot reads the queue while no entry fits. */
    private static final long SOONEST_LOOK_MILLIS = 20;

    private static final int MOST_DEFERRED = 50;

    /** How many deferred paths a lane looks up in the closures that a batch sends. */
    private static final int MOST_COVERED = 200;

    /** How many due paths a lane considers for one batch. */
    private static final int WINDOW = 1_000;

    private final String name;
    private final Improvement improvement;
    private final Queue queue;
    private final Limits limits;
    private final Backoff backoff;
    private final InstantSource clock;
    private final Consumer<Throwable> fatal;
    private final Thread thread;
    private final Dispatcher dispatcher;
    private final Slots slots;
    private final BlockingQueue<Message> mailbox = new LinkedBlockingQueue<>();
    private final AtomicLong delivered = new AtomicLong();

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

    /**
     * A running child process.
     *
     * @param paths how many paths it sends
     * @param since when it started
     * @param progress how far it is
     */
    public record Batch(int paths, Instant since, Progress progress) {}

    /** A message to the lane's thread. */
    private sealed interface Message {
        record Done(Slots.Ended ended) implements Message {}

        record Drain(Runnable drained) implements Message {}

        record WaitsFor(StorePath path, CompletableFuture<Optional<String>> answer)
                implements Message {}
    }

    /**
     * @param name the lane's name in the queue
     * @param improvement what an operator could change at the destination's URL
     * @param transports one for each slot
     * @param closures of the due paths
     * @param random numbers from 0 to 1, for jitter
     * @param fatal gets an error from which the lane cannot recover
     */
    public Lane(
            String name,
            Improvement improvement,
            List<Transport> transports,
            ClosureSource closures,
            Queue queue,
            Limits limits,
            DoubleSupplier random,
            InstantSource clock,
            Consumer<Throwable> fatal) {
        this.name = name;
        this.improvement = improvement;
        this.queue = queue;
        this.limits = limits;
        this.backoff = Backoff.standard(random);
        this.clock = clock;
        this.fatal = fatal;
        this.dispatcher =
                new Dispatcher(
                        transports.size(),
                        limits.batchSize(),
                        limits.worthAChild(),
                        limits.maxAttempts(),
                        closures,
                        random);
        this.slots = new Slots(name, transports, ended -> send(new Message.Done(ended)));
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
        send(new Message.WaitsFor(path, answer));
        return answer;
    }

    /**
     * Starts no child process any more.
     *
     * @param drained run once, on the lane's thread, when none runs and all verdicts are recorded
     */
    void drain(Runnable drained) {
        send(new Message.Drain(drained));
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

    /**
     * @param work the lane's work at one moment
     * @param nextDue when the lane reads the queue again even without a change
     */
    private record Look(Dispatcher.Work work, Optional<Long> nextDue) {
        boolean empty() {
            return work.fresh().isEmpty() && work.deferred().isEmpty();
        }
    }

    private void serve() {
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
        }
    }

    private void turn() throws InterruptedException {
        try {
            long seen = queue.version();
            for (Message message = mailbox.poll(); message != null; message = mailbox.poll()) {
                handle(message);
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
            int held = dispatcher.held();
            Look look = queue.call(transaction -> look(transaction, now, held));
            boolean started = start(look);
            if (started) {
                return;
            }
            if (dispatcher.isIdle()) {
                if (look.empty()) {
                    dispatcher.rest();
                }
            } else {
                Message message = mailbox.poll(SOONEST_LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (message != null) {
                    handle(message);
                    return;
                }
            }
            queue.awaitChange(seen, untilDue(look, now));
        } catch (QueueException e) {
            LOG.error("{}: {}; trying again in 10s", name, e.getMessage());
            Thread.sleep(QUEUE_TROUBLE_MILLIS);
        }
    }

    /** Fills the free slots. Returns whether it filled any. */
    private boolean start(Look look) {
        boolean any = false;
        Dispatcher.Flight flight = dispatcher.next(look.work(), clock.millis());
        while (flight != null) {
            slots.start(flight, clock.instant());
            any = true;
            flight = dispatcher.next(look.work(), clock.millis());
        }
        return any;
    }

    private Look look(QueueTransaction transaction, long now, int held) throws SQLException {
        LaneStore lane = transaction.lane(name);
        Breaker breaker = lane.breaker();
        Optional<Pause> pause = transaction.meta().pause(now);
        if (pause.isPresent()) {
            Optional<Long> end = pause.filter(Pause::ends).map(Pause::until);
            return new Look(Dispatcher.Work.none(true, breaker), end);
        }
        if (!breaker.open()) {
            int window = Math.max(WINDOW, limits.batchSize()) + held;
            List<Entry> deferred = lane.due(now, backoff.longestMillis(), MOST_DEFERRED + held);
            return new Look(
                    new Dispatcher.Work(
                            false,
                            breaker,
                            lane.fresh(window),
                            deferred.subList(0, Math.min(MOST_DEFERRED, deferred.size())),
                            lane.deferred(MOST_COVERED)),
                    lane.nextDue());
        }
        boolean wait = breaker.until() > now && breaker.until() <= now + backoff.longestMillis();
        if (wait) {
            return new Look(Dispatcher.Work.none(false, breaker), Optional.of(breaker.until()));
        }
        // from either end by turns, so that a run of bad paths at one end does not keep the breaker
        // open
        var candidates = new ArrayList<Entry>();
        if (breaker.failures() % 2 == 1) {
            candidates.addAll(lane.youngest());
        }
        candidates.addAll(lane.fresh(1 + held));
        if (candidates.isEmpty()) {
            candidates.addAll(lane.deferred(1 + held));
        }
        return new Look(
                new Dispatcher.Work(false, breaker, candidates, List.of(), List.of()),
                Optional.empty());
    }

    /** Bounds the wait: after a suspend, or after the clock was set, more entries are due. */
    private static long untilDue(Look look, long now) {
        return look.nextDue()
                .map(due -> Math.clamp(due - now, 1, LOOK_AGAIN_MILLIS))
                .orElse(Long.MAX_VALUE / 2_000_000);
    }

    private void handle(Message message) throws InterruptedException {
        if (message instanceof Message.WaitsFor question) {
            question.answer().complete(dispatcher.waitsFor(question.path(), clock.millis()));
        } else if (message instanceof Message.Drain drain) {
            draining = drain.drained();
        } else {
            ended(((Message.Done) message).ended());
        }
    }

    private void ended(Slots.Ended ended) throws InterruptedException {
        slots.freed(ended);
        if (ended.bug() != null) {
            throw new IllegalStateException("a transport failed", ended.bug());
        }
        DeliveryPolicy.Group group = ended.group();
        if (group.kind() == DeliveryPolicy.Kind.PROOF
                && ended.outcome() instanceof DeliveryOutcome.Delivered) {
            LOG.info("{}: works, {} was taken again", name, group.members().getFirst().path());
        } else {
            tell(ended.outcome(), group.members(), ended.took());
        }
        Dispatcher.Learned learned = dispatcher.learn(group, ended.outcome(), clock.millis());
        if (!(ended.outcome() instanceof DeliveryOutcome.Cancelled)) {
            record(learned, ended);
        }
    }

    /** Records a child process, its verdicts, and the state of the destination. */
    private void record(Dispatcher.Learned learned, Slots.Ended ended) throws InterruptedException {
        List<Verdict> verdicts = learned.verdicts();
        long bytes = ended.outcome() instanceof DeliveryOutcome.Delivered done ? done.bytes() : 0;
        BatchResult run = run(verdicts, ended, bytes);
        long now = clock.millis();
        Change change =
                recorded(transaction -> {
                    LaneStore lane = transaction.lane(name);
                    if (!verdicts.isEmpty()) {
                        lane.record(verdicts, bytes, now);
                    }
                    lane.ran(run);
                    return change(lane, learned, ended.group(), now);
                });
        delivered.addAndGet(run.delivered());
        verdicts.forEach(verdict -> tell(verdict, now));
        tell(change, now);
    }

    private record Change(Breaker before, Breaker after) {}

    private Change change(
            LaneStore lane, Dispatcher.Learned learned, DeliveryPolicy.Group group, long now)
            throws SQLException {
        Breaker before = lane.breaker();
        if (learned.down() != null) {
            boolean still = before.open() && group.kind() == DeliveryPolicy.Kind.TRIAL;
            int failures = still ? before.failures() + 1 : 1;
            var open =
                    new Breaker(
                            failures,
                            now + backoff.millis(failures),
                            still ? before.since() : now,
                            learned.down());
            lane.breaker(open);
            return new Change(before, open);
        }
        if (learned.worksAgain()) {
            lane.breaker(Breaker.CLOSED);
            lane.hasten(now);
            return new Change(before, Breaker.CLOSED);
        }
        return new Change(before, before);
    }

    /** Retries until it is recorded. An unrecorded entry would be sent again and again. */
    private <T> T recorded(Queue.Task<T> task) throws InterruptedException {
        while (true) {
            try {
                return queue.call(task);
            } catch (QueueException e) {
                LOG.error(
                        "{}: cannot record what was delivered: {}; trying again in 10s",
                        name,
                        e.getMessage());
                Thread.sleep(QUEUE_TROUBLE_MILLIS);
            }
        }
    }

    private BatchResult run(List<Verdict> verdicts, Slots.Ended ended, long bytes) {
        BatchResult.Result result =
                switch (ended.outcome()) {
                    case DeliveryOutcome.Delivered d -> BatchResult.Result.DELIVERED;
                    case DeliveryOutcome.Refused r -> BatchResult.Result.REFUSED;
                    case DeliveryOutcome.Busy b -> BatchResult.Result.REFUSED;
                    case DeliveryOutcome.Unavailable u -> BatchResult.Result.REFUSED;
                    case DeliveryOutcome.Unreachable u -> BatchResult.Result.REFUSED;
                    case DeliveryOutcome.Invalid i -> BatchResult.Result.INVALID;
                    case DeliveryOutcome.Unusable u -> BatchResult.Result.UNUSABLE;
                    case DeliveryOutcome.Cancelled c ->
                            throw new IllegalArgumentException("ended with the worker");
                };
        long arrived = verdicts.stream().filter(v -> v instanceof Verdict.Delivered).count();
        return new BatchResult(result, ended.took().toMillis(), (int) arrived, bytes);
    }

    private void tell(Verdict verdict, long now) {
        if (verdict instanceof Verdict.Failed failed) {
            LOG.error(
                    "{}: failed {}{}: {}",
                    name,
                    failed.entry().path(),
                    // Zero: the path can never be delivered, and one check has shown it.
                    failed.failures() == 0 ? "" : " after " + failed.failures() + " attempts",
                    Text.oneLine(failed.reason()));
        } else if (verdict instanceof Verdict.Deferred later) {
            LOG.warn(
                    "{}: deferred {} for {}{}: {}",
                    name,
                    later.entry().path(),
                    Durations.shown(Duration.ofMillis(Math.max(0, later.dueAt() - now))),
                    later.failures() == 0
                            ? ""
                            : " (attempt " + later.failures() + " of " + limits.maxAttempts() + ")",
                    Text.oneLine(later.reason()));
        }
    }

    private void tell(Change change, long now) {
        Breaker before = change.before();
        Breaker after = change.after();
        if (after.open() && !after.equals(before)) {
            LOG.warn(
                    "{}: down since {}, next try in {}: {}",
                    name,
                    Instant.ofEpochMilli(after.since()),
                    Durations.shown(Duration.ofMillis(after.until() - now)),
                    Text.oneLine(after.reason()));
        } else if (before.open() && !after.open()) {
            LOG.info(
                    "{}: works again after {}",
                    name,
                    Durations.shown(Duration.ofMillis(Math.max(0, now - before.since()))));
        }
    }

    private void tell(DeliveryOutcome outcome, List<Entry> group, Duration took) {
        String what =
                group.size() == 1 ? group.getFirst().path().toString() : group.size() + " paths";
        switch (outcome) {
            case DeliveryOutcome.Delivered delivered ->
                    LOG.info(
                            "{}: {} {} in {}{}",
                            name,
                            name.equals(LaneStore.SIGN) ? "signed" : "delivered",
                            what,
                            Durations.shown(took),
                            rate(delivered.bytes(), took));
            case DeliveryOutcome.Refused refused -> notTaken(what, took, refused.reason());
            case DeliveryOutcome.Busy busy -> notTaken(what, took, busy.reason());
            case DeliveryOutcome.Unavailable u -> notTaken(what, took, u.reason());
            case DeliveryOutcome.Unreachable u -> notTaken(what, took, u.reason());
            case DeliveryOutcome.Invalid invalid ->
                    LOG.warn(
                            "{}: {} not valid: {}",
                            name,
                            group.size() == 1 ? what : invalid.paths().size() + " of " + what,
                            Text.oneLine(invalid.reason()));
            case DeliveryOutcome.Unusable unusable ->
                    LOG.error("{}: {}", name, Text.oneLine(unusable.reason()));
            case DeliveryOutcome.Cancelled cancelled ->
                    LOG.info("{}: {} interrupted, still queued", name, what);
        }
    }

    private void notTaken(String what, Duration took, String reason) {
        LOG.warn(
                "{}: {} not taken after {}: {}",
                name,
                what,
                Durations.shown(took),
                Text.oneLine(reason));
    }

    private static String rate(long bytes, Duration took) {
        if (bytes == 0) {
            return "";
        }
        long perSecond = bytes * 1_000 / Math.max(1, took.toMillis());
        return ", " + Sizes.shown(bytes) + " at " + Sizes.shown(perSecond) + "/s";
    }
}
