package hookqueue;

import hookqueue.base.LogFields;
import hookqueue.base.Text;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The thread {@code housekeeping}: drops paths that failed long ago, forgets paths that settled
 * long ago, makes GC roots that could not be made, and compares roots and rows before the worker
 * ends.
 *
 * <pre>
 *   every 10 min ───────► expire, forget ──┐
 *   a root is missing ──► mend, every 5 s ─┼─► sleep
 *   {@link #requestSweep} ► mend, compare ─┘
 * </pre>
 *
 * It does a page at a time, so that no other task of the queue waits long. What fails is logged and
 * tried again at the next turn.
 */
final class Housekeeping {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final Duration EXPIRE_EVERY = Duration.ofMinutes(10);
    private static final Duration MEND_EVERY = Duration.ofSeconds(5);
    private static final Duration JOIN = Duration.ofSeconds(2);
    private static final int EXPIRE_AT_ONCE = 500;

    private final Queue queue;
    private final Duration failedRetention;
    private final InstantSource clock;
    private final Runnable swept;
    private final Thread thread = new Thread(this::serve, "housekeeping");

    /** Guards the three below. */
    private final Object turn = new Object();

    private boolean sweepRequested;

    /** A root is missing; this thread tries every 5 s. */
    private boolean mending;

    private volatile boolean stopped;

    /** The queue's version when roots and rows were last compared. */
    private volatile long sweptAt = -1;

    private String lastTrouble = "";
    private long lastExpiry = System.nanoTime() - EXPIRE_EVERY.toNanos();

    /** {@code swept} runs after each comparison of roots and rows. */
    Housekeeping(Queue queue, Duration failedRetention, InstantSource clock, Runnable swept) {
        this.queue = queue;
        this.failedRetention = failedRetention;
        this.clock = clock;
        this.swept = swept;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Ends the thread, after the current page. */
    void stop() throws InterruptedException {
        synchronized (turn) {
            stopped = true;
            turn.notifyAll();
        }
        thread.join(JOIN);
    }

    /** Whether roots and rows were compared since the queue last changed. */
    boolean isSwept() {
        return sweptAt == queue.version();
    }

    void requestSweep() {
        synchronized (turn) {
            sweepRequested = true;
            turn.notifyAll();
        }
    }

    /** Tells that a root could not be made. */
    void requestMending() {
        synchronized (turn) {
            mending = true;
            turn.notifyAll();
        }
    }

    private void serve() {
        try {
            await(); // a start has better things to do
            while (!stopped) {
                try {
                    expire();
                    mend();
                    sweep();
                    lastTrouble = "";
                } catch (QueueException e) {
                    failed(e);
                }
                await();
            }
        } catch (InterruptedException e) {
            LOG.debug("housekeeping ends");
        }
    }

    private void failed(QueueException e) {
        String trouble = Text.oneLine(e.getMessage());
        if (!trouble.equals(lastTrouble)) { // it may last for hours
            LOG.error("housekeeping failed, will try again: {}", trouble);
        }
        lastTrouble = trouble;
        synchronized (turn) {
            sweepRequested = false; // else the next turn begins at once; the listener asks again
        }
    }

    private void await() throws InterruptedException {
        synchronized (turn) {
            boolean known = queue.rootsProblem() != null;
            mending = known;
            long due = mending ? System.nanoTime() : lastExpiry + EXPIRE_EVERY.toNanos();
            long end = Math.max(due, System.nanoTime() + MEND_EVERY.toNanos());
            while (!stopped && !sweepRequested && mending == known) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return;
                }
                turn.wait(left);
            }
        }
    }

    private void expire() throws QueueException, InterruptedException {
        if (System.nanoTime() - lastExpiry < EXPIRE_EVERY.toNanos()) {
            return;
        }
        boolean more = true;
        while (more && !stopped) {
            more = queue.forget();
            long now = clock.millis();
            List<DeliveryRow> dropped =
                    queue.call(transaction ->
                            transaction
                                    .removals()
                                    .expire(now - failedRetention.toMillis(), EXPIRE_AT_ONCE, now));
            more |= dropped.size() == EXPIRE_AT_ONCE;
            dropped.forEach(this::tell);
        }
        lastExpiry = System.nanoTime();
    }

    private void tell(DeliveryRow row) {
        try (var _ = MDC.putCloseable(LogFields.DESTINATION, row.lane())) {
            LOG.warn(
                    "{}: dropped {}, which failed more than {} ago: {}",
                    row.lane(),
                    row.path(),
                    failedRetention,
                    Text.oneLine(row.reason()));
        }
    }

    private void mend() throws QueueException, InterruptedException {
        boolean more = true;
        while (more && !stopped) {
            more = queue.mendRoots();
        }
    }

    /** If one was requested. The roots of failed paths protect them while no worker runs. */
    private void sweep() throws QueueException, InterruptedException {
        synchronized (turn) {
            if (!sweepRequested) {
                return;
            }
            sweepRequested = false;
        }
        long version = queue.version();
        queue.lookAtRoots();
        sweptAt = version;
        swept.run();
    }
}
