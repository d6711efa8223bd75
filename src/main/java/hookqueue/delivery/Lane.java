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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One destination's thread: takes what is due, has it carried as a {@link DeliveryPolicy} says,
 * records what is certain.
 *
 * <p>All it knows for longer than a round is in the queue, so a restart forgets nothing but {@link
 * Round.Known}: it may then take a few more runs to prove a failure. Lanes do not wait for one
 * another.
 */
public final class Lane {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);
    private static final long QUEUE_TROUBLE_MILLIS = 10_000;
    private static final long LOOK_AGAIN_MILLIS = 60_000;
    private static final int MOST_DEFERRED = 50;

    private final String name;
    private final Transport carrier;
    private final Queue queue;
    private final Limits limits;
    private final Backoff backoff;
    private final InstantSource clock;
    private final Consumer<Throwable> fatal;
    private final Thread thread;
    private DeliveryPolicy.Known known = DeliveryPolicy.Known.NOTHING;
    private volatile @Nullable Batch running;
    private final AtomicLong delivered = new AtomicLong();

    /**
     * What a lane keeps to.
     *
     * @param batchSize most paths one child process gets, at least 1
     * @param maxAttempts blamed so often, a path is failed; at least 1
     * @param patience how long paths that have not failed wait for those that have: each of these
     *     may take the stall timeout
     */
    public record Limits(int batchSize, int maxAttempts, Duration patience) {
        /** The same with batches of at most so many paths. */
        public Limits atMost(int paths) {
            return new Limits(Math.min(batchSize, paths), maxAttempts, patience);
        }
    }

    /**
     * What runs now.
     *
     * @param paths how many paths were handed over together
     * @param since when
     * @param progress how far it is
     */
    public record Batch(int paths, Instant since, Progress progress) {}

    /**
     * @param name as the queue knows the lane
     * @param random numbers from 0 to 1, for spreading delays
     * @param fatal told of what a lane cannot go on from
     */
    public Lane(
            String name,
            Transport carrier,
            Queue queue,
            Limits limits,
            DoubleSupplier random,
            InstantSource clock,
            Consumer<Throwable> fatal) {
        this.name = name;
        this.carrier = carrier;
        this.queue = queue;
        this.limits = limits;
        this.backoff = Backoff.standard(random);
        this.clock = clock;
        this.fatal = fatal;
        this.thread = new Thread(this::serve, "lane " + name);
    }

    /** As the queue knows it. */
    public String name() {
        return name;
    }

    /** What runs now, or null. */
    public @Nullable Batch running() {
        return running;
    }

    /** How many paths it has delivered since it was started. */
    public long delivered() {
        return delivered.get();
    }

    /** Starts the lane's thread. */
    public void start() {
        thread.start();
    }

    /** Ends the child process at hand and then the thread; what was not recorded stays queued. */
    public void stop() {
        thread.interrupt();
    }

    /** Waits for the thread to end. */
    public void join(Duration most) throws InterruptedException {
        thread.join(most);
    }

    /** What there is to do, as of one moment. */
    private record Work(
            boolean paused,
            Breaker breaker,
            List<Entry> fresh,
            List<Entry> deferred,
            Optional<Long> nextDue) {}

    private void serve() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                turn();
            }
        } catch (InterruptedException e) {
            LOG.debug("lane {} ends", name);
        } catch (RuntimeException | Error e) {
            fatal.accept(e);
        }
    }

    private void turn() throws InterruptedException {
        try {
            long seen = queue.version();
            long now = clock.millis();
            Work work = queue.call(transaction -> look(transaction, now));
            if (!work.fresh().isEmpty() || !work.deferred().isEmpty()) {
                deliver(work);
            } else {
                known = known.aged();
                queue.awaitChange(seen, untilDue(work, now));
            }
        } catch (QueueException e) {
            known = known.aged();
            LOG.error("{}: {}; trying again in 10s", name, e.getMessage());
            Thread.sleep(QUEUE_TROUBLE_MILLIS);
        }
    }

    private Work look(QueueTransaction transaction, long now) throws SQLException {
        LaneStore lane = transaction.lane(name);
        Breaker breaker = lane.breaker();
        Optional<Pause> pause = transaction.meta().pause(now);
        if (pause.isPresent()) {
            Optional<Long> end = pause.filter(Pause::ends).map(Pause::until);
            return new Work(true, breaker, List.of(), List.of(), end);
        }
        if (!breaker.open()) {
            List<Entry> fresh = lane.fresh(limits.batchSize());
            List<Entry> deferred =
                    lane.due(
                            now,
                            backoff.longestMillis(),
                            Math.min(MOST_DEFERRED, limits.batchSize()));
            return new Work(false, breaker, fresh, deferred, lane.nextDue());
        }
        boolean wait = breaker.until() > now && breaker.until() <= now + backoff.longestMillis();
        if (wait) {
            return new Work(false, breaker, List.of(), List.of(), Optional.of(breaker.until()));
        }
        // by turns from either end, so that a run of bad paths at one does not keep the lane closed
        List<Entry> fresh = breaker.failures() % 2 == 1 ? lane.youngest() : lane.fresh(1);
        List<Entry> trial = fresh.isEmpty() ? lane.deferred(1) : fresh;
        return new Work(false, breaker, trial, List.of(), Optional.empty());
    }

    /**
     * It is looked at again from time to time: after a machine's sleep, or when its clock was set,
     * more is due.
     */
    private static long untilDue(Work work, long now) {
        return work.nextDue()
                .map(due -> Math.clamp(due - now, 1, LOOK_AGAIN_MILLIS))
                .orElse(Long.MAX_VALUE / 2_000_000);
    }

    private void deliver(Work work) throws QueueException, InterruptedException {
        DeliveryPolicy round =
                work.breaker().open()
                        ? DeliveryPolicy.trial(
                                work.fresh().getFirst(), known, limits.maxAttempts(), backoff)
                        : DeliveryPolicy.of(
                                work.fresh(),
                                work.deferred(),
                                known,
                                limits.maxAttempts(),
                                backoff);
        boolean paused = false;
        long forDeferred = 0; // nanoseconds spent on those that have failed before
        List<Entry> group = round.next();
        while (!group.isEmpty() && !paused) {
            long began = System.nanoTime(); // the clock may be set meanwhile
            DeliveryOutcome outcome = carry(group, round);
            Duration took = Duration.ofNanos(System.nanoTime() - began);
            forDeferred += group.getFirst().fresh() ? 0 : took.toNanos();
            if (outcome instanceof DeliveryOutcome.Cancelled) {
                return;
            }
            List<Verdict> verdicts = round.learn(outcome, clock.millis());
            paused = record(verdicts, outcome, took);
            boolean late = forDeferred > limits.patience().toNanos();
            if (late && round.onlyDeferredLeft() && othersWait()) {
                round.leaveRest();
            }
            group = round.next();
        }
        if (group.isEmpty()) { // else paused: what is not certain yet stays as it was
            record(round.over(clock.millis()), new DeliveryOutcome.Cancelled(), Duration.ZERO);
        }
        settle(round, work.breaker());
    }

    private boolean othersWait() throws QueueException, InterruptedException {
        return !queue.call(transaction -> transaction.lane(name).fresh(1)).isEmpty();
    }

    private DeliveryOutcome carry(List<Entry> group, DeliveryPolicy round) {
        var progress = new Progress();
        long began = System.nanoTime();
        running = new Batch(group.size(), clock.instant(), progress);
        queue.wake(); // for the status line and whoever watches
        try {
            List<StorePath> paths = group.stream().map(Entry::path).toList();
            DeliveryOutcome outcome =
                    round.testing()
                            ? carrier.prove(paths, progress)
                            : carrier.carry(paths, progress);
            if (round.proving() && outcome instanceof DeliveryOutcome.Delivered) {
                LOG.info("{}: works, {} was taken again", name, group.getFirst().path());
            } else {
                tell(outcome, group, Duration.ofNanos(System.nanoTime() - began));
            }
            return outcome;
        } finally {
            running = null;
        }
    }

    /** Records a child process and what it showed; true when no new batch is to start. */
    private boolean record(List<Verdict> verdicts, DeliveryOutcome outcome, Duration took)
            throws InterruptedException {
        Optional<BatchResult> run = run(verdicts, outcome, took);
        long bytes = outcome instanceof DeliveryOutcome.Delivered done ? done.bytes() : 0;
        long now = clock.millis();
        boolean paused =
                recorded(transaction -> {
                    if (!verdicts.isEmpty()) {
                        transaction.lane(name).record(verdicts, bytes, now);
                    }
                    if (run.isPresent()) {
                        transaction.lane(name).ran(run.get());
                    }
                    return transaction.meta().paused(now);
                });
        run.ifPresent(ended -> delivered.addAndGet(ended.delivered()));
        for (Verdict verdict : verdicts) {
            if (verdict instanceof Verdict.Failed failed) {
                LOG.error(
                        "{}: failed {}{}: {}",
                        name,
                        failed.entry().path(),
                        // None: it can never be delivered, and one look was enough to see that.
                        failed.attempts() == 0 ? "" : " after " + failed.attempts() + " attempts",
                        Text.oneLine(failed.reason()));
            } else if (verdict instanceof Verdict.Deferred later) {
                LOG.warn(
                        "{}: deferred {} for {}{}: {}",
                        name,
                        later.entry().path(),
                        Durations.shown(Duration.ofMillis(Math.max(0, later.dueAt() - now))),
                        later.attempts() == 0
                                ? ""
                                : " (attempt "
                                        + later.attempts()
                                        + " of "
                                        + limits.maxAttempts()
                                        + ")",
                        Text.oneLine(later.reason()));
            }
        }
        return paused;
    }

    /** However long it takes: what was not recorded would be handed over again, and again. */
    private boolean recorded(Queue.Task<Boolean> task) throws InterruptedException {
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

    /** Empty for what was no child process, or was ended with the worker. */
    private static Optional<BatchResult> run(
            List<Verdict> verdicts, DeliveryOutcome outcome, Duration took) {
        return switch (outcome) {
            case DeliveryOutcome.Delivered d -> {
                long arrived =
                        verdicts.stream().filter(v -> v instanceof Verdict.Delivered).count();
                yield Optional.of(
                        new BatchResult(
                                BatchResult.Result.DELIVERED, took.toMillis(), (int) arrived));
            }
            case DeliveryOutcome.Refused r -> refused(took);
            case DeliveryOutcome.Busy b -> refused(took);
            case DeliveryOutcome.Unavailable u -> refused(took);
            case DeliveryOutcome.Unreachable u -> refused(took);
            case DeliveryOutcome.Invalid i ->
                    Optional.of(new BatchResult(BatchResult.Result.INVALID, took.toMillis(), 0));
            case DeliveryOutcome.Unusable u ->
                    Optional.of(new BatchResult(BatchResult.Result.UNUSABLE, took.toMillis(), 0));
            case DeliveryOutcome.Cancelled c -> Optional.empty();
        };
    }

    private static Optional<BatchResult> refused(Duration took) {
        return Optional.of(new BatchResult(BatchResult.Result.REFUSED, took.toMillis(), 0));
    }

    /** What the round says of the destination as a whole. */
    private void settle(DeliveryPolicy round, Breaker before)
            throws QueueException, InterruptedException {
        long now = clock.millis();
        String down = round.down();
        if (down != null) {
            boolean still = before.open() && !round.worked();
            int failures = still ? before.failures() + 1 : 1;
            var open =
                    new Breaker(
                            failures,
                            now + backoff.millis(failures),
                            still ? before.since() : now,
                            down);
            queue.call(transaction -> {
                transaction.lane(name).breaker(open);
                return true;
            });
            known = round.known();
            LOG.warn(
                    "{}: down since {}, next try in {}: {}",
                    name,
                    Instant.ofEpochMilli(open.since()),
                    Durations.shown(Duration.ofMillis(open.until() - now)),
                    Text.oneLine(down));
            return;
        }
        boolean news = round.worked() && (before.open() || known.failuresInARow() > 0);
        known = round.known();
        if (news) {
            queue.call(transaction -> {
                transaction.lane(name).breaker(Breaker.CLOSED);
                transaction.lane(name).hasten(now);
                return true;
            });
        }
        if (before.open() && round.worked()) {
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
            case DeliveryOutcome.Refused r -> notTaken(what, took, r.reason());
            case DeliveryOutcome.Busy b -> notTaken(what, took, b.reason());
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
        String after = Durations.shown(took);
        LOG.warn("{}: {} not taken after {}: {}", name, what, after, Text.oneLine(reason));
    }

    private static String rate(long bytes, Duration took) {
        if (bytes == 0) {
            return "";
        }
        long perSecond = bytes * 1_000 / Math.max(1, took.toMillis());
        return ", " + Sizes.shown(bytes) + " at " + Sizes.shown(perSecond) + "/s";
    }
}
