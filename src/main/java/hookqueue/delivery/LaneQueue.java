package hookqueue.delivery;

import hookqueue.queue.BatchResult;
import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Pause;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of one lane: reads the work, and records the verdicts and the breaker. For the lane's
 * thread.
 */
record LaneQueue(String name, Queue queue, int batchSize, Backoff backoff) {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

    /** The pause after an error of the queue. */
    static final long TROUBLE_MILLIS = 10_000;

    private static final int MOST_DEFERRED = 50;

    /** How many deferred paths a lane looks up in the closures that a batch sends. */
    private static final int MOST_COVERED = 200;

    /** How many due paths a lane considers for one batch. */
    private static final int WINDOW = 1_000;

    /**
     * @param expected whether paths are due, or are being signed
     * @param nextDue when the lane reads the queue again even without a change
     */
    record Look(Dispatcher.Work work, boolean expected, Optional<Long> nextDue) {
        boolean empty() {
            return work.fresh().isEmpty() && work.deferred().isEmpty();
        }
    }

    /** The breaker before and after an answer. */
    record Change(Breaker before, Breaker after) {}

    /** Reads the work. So many more entries are held: they are in flight or in the diagnosis. */
    Look look(long now, int held) throws QueueException, InterruptedException {
        return queue.call(transaction -> look(transaction, now, held));
    }

    private Look look(QueueTransaction transaction, long now, int held) throws SQLException {
        LaneStore lane = transaction.lane(name);
        Breaker breaker = lane.breaker();
        Optional<Pause> pause = transaction.meta().pause(now);
        if (pause.isPresent()) {
            Optional<Long> end = pause.filter(Pause::ends).map(Pause::until);
            return new Look(Dispatcher.Work.none(true, breaker), false, end);
        }
        if (!breaker.open()) {
            int window = Math.max(WINDOW, batchSize) + held;
            List<Entry> deferred = lane.due(now, backoff.longestMillis(), MOST_DEFERRED);
            List<Entry> fresh = lane.fresh(window);
            List<Entry> later = lane.deferred(MOST_COVERED);
            var work = new Dispatcher.Work(false, breaker, fresh, deferred, later);
            boolean expected = !fresh.isEmpty() || !deferred.isEmpty() || lane.hasHeld();
            return new Look(work, expected, lane.nextDue());
        }
        boolean wait = breaker.until() > now && breaker.until() <= now + backoff.longestMillis();
        if (wait) {
            var none = Dispatcher.Work.none(false, breaker);
            return new Look(none, false, Optional.of(breaker.until()));
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
        var trial = new Dispatcher.Work(false, breaker, candidates, List.of(), List.of());
        return new Look(trial, false, Optional.empty());
    }

    /**
     * Records a child process, its verdicts, and the state of the destination. Retries until they
     * are recorded: an unrecorded entry would be sent again and again.
     */
    Change record(Dispatcher.Learned learned, DeliveryGroup group, BatchResult run, long now)
            throws InterruptedException {
        while (true) {
            try {
                return queue.call(transaction -> {
                    LaneStore lane = transaction.lane(name);
                    if (!learned.verdicts().isEmpty()) {
                        lane.record(learned.verdicts(), run.bytes(), now);
                    }
                    lane.ran(run);
                    return change(lane, learned, group, now);
                });
            } catch (QueueException e) {
                LOG.error(
                        "{}: cannot record what was delivered: {}; trying again in 10s",
                        name,
                        e.getMessage());
                Thread.sleep(TROUBLE_MILLIS);
            }
        }
    }

    private Change change(LaneStore lane, Dispatcher.Learned learned, DeliveryGroup group, long now)
            throws SQLException {
        Breaker before = lane.breaker();
        Breaker after = before;
        if (learned.down() != null) {
            boolean still = before.open() && group.kind() == DeliveryGroup.Kind.TRIAL;
            int failures = still ? before.failures() + 1 : 1;
            long since = still ? before.since() : now;
            long until = now + backoff.millis(failures);
            after = new Breaker(failures, until, since, learned.down());
            lane.breaker(after);
        } else if (learned.worksAgain()) {
            after = Breaker.CLOSED;
            lane.breaker(after);
            lane.hasten(now);
        }
        return new Change(before, after);
    }
}
