package hookqueue;

import hookqueue.base.Text;
import hookqueue.protocol.Listener;
import hookqueue.queue.Pause;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.Metrics;
import hookqueue.report.Overview;
import hookqueue.report.StatusText;
import hookqueue.spool.SpoolIntake;
import hookqueue.systemd.Notify;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code status}: whenever the queue changes, takes in the spool, sends systemd the
 * status line, writes the metrics file, and knows whether work remains.
 *
 * <p>It sleeps until the queue changes or a pause ends; only while a child process runs it looks
 * once a second, for the bytes that were sent. Several changes within a quarter of a second are
 * published together.
 *
 * <p>It tells the listener whether the worker may exit: only when nothing is left to do, and when
 * the roots agree with that.
 */
final class StatusPublisher implements Listener.Work {
    private static final Logger LOG = LoggerFactory.getLogger(StatusPublisher.class);
    private static final Duration SETTLE = Duration.ofMillis(250);
    private static final Duration PROGRESS = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofSeconds(5);
    private static final Duration METRICS_EVERY = Duration.ofSeconds(15);
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final Duration JOIN = Duration.ofSeconds(2);

    private final Queue queue;
    private final SpoolIntake intake;
    private final Overview.Source overviews;
    private final Notify notify;
    private final StatusText status;
    private final @Nullable Path metricsFile;
    private final Housekeeping housekeeping;
    private final Runnable looked;
    private final Thread thread = new Thread(this::serve, "status");

    /** Held for a look at the queue, so that {@link #busy} never goes back to an older answer. */
    private final Object looking = new Object();

    private volatile boolean busy = true;
    private volatile boolean stopped;
    private String lastTrouble = "";

    private long metricsWrittenAt = System.nanoTime() - METRICS_EVERY.toNanos();
    private long metricsVersion = -1;
    private @Nullable Pause lastPause;

    /** {@code looked} runs on the thread {@code status} after each look. */
    StatusPublisher(
            Queue queue,
            SpoolIntake intake,
            Overview.Source overviews,
            Notify notify,
            StatusText status,
            @Nullable Path metricsFile,
            Housekeeping housekeeping,
            Runnable looked) {
        this.queue = queue;
        this.intake = intake;
        this.overviews = overviews;
        this.notify = notify;
        this.status = status;
        this.metricsFile = metricsFile;
        this.housekeeping = housekeeping;
        this.looked = looked;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /**
     * Ends the thread; no status is sent afterwards, unless a disk keeps it from ending. A thread
     * that writes a file is not interrupted.
     */
    void stop() throws InterruptedException {
        stopped = true;
        queue.wake();
        thread.join(JOIN);
    }

    /** Whether anything was queued, deferred or running at the last look. */
    @Override
    public boolean isBusy() {
        return busy;
    }

    /** A queue that does not answer counts as busy. */
    @Override
    public boolean remains() throws InterruptedException {
        look();
        if (busy) {
            return true;
        }
        if (housekeeping.isSwept()) {
            return false;
        }
        housekeeping.requestSweep();
        return true;
    }

    /** Writes the last state to the metrics file: it is true until the next worker comes. */
    void publishEnd() throws InterruptedException {
        Overview overview = look();
        if (overview != null) {
            writeMetrics(overview);
        }
    }

    private void serve() {
        try {
            Thread.sleep(SETTLE); // a start has better things to do
            long seen = queue.version();
            while (!stopped) {
                queue.awaitChange(seen, publish(seen).toMillis());
                Thread.sleep(SETTLE);
                seen = queue.version(); // before stopped: stop() changes it afterwards
            }
        } catch (InterruptedException e) {
            LOG.debug("status is not published any more");
        }
    }

    /** Returns how long the published status stays correct if the queue does not change. */
    private Duration publish(long version) throws InterruptedException {
        Overview overview = look();
        if (overview == null) {
            notify.status(lastTrouble);
            return RETRY;
        }
        if (queue.rootsProblem() != null) {
            housekeeping.requestMending();
        }
        looked.run();
        notify.status(status.summary(overview));
        boolean late = System.nanoTime() - metricsWrittenAt >= METRICS_EVERY.toNanos();
        boolean runs = !overview.running().isEmpty();
        if (version != metricsVersion || (runs && late)) {
            writeMetrics(overview);
            metricsVersion = version;
        }
        tellEndOfPause(overview);
        return runs ? PROGRESS : untilPauseEnds(overview);
    }

    private @Nullable Overview look() throws InterruptedException {
        synchronized (looking) {
            try {
                intake.takeIn();
                Overview overview = overviews.look();
                busy = overview.outstanding() > 0 || !overview.running().isEmpty();
                lastTrouble = "";
                return overview;
            } catch (QueueException e) {
                String trouble = Text.oneLine(e.getMessage());
                if (!trouble.equals(lastTrouble)) { // it may last for hours
                    LOG.error("cannot look at the queue: {}", trouble);
                }
                busy = true;
                lastTrouble = trouble;
                return null;
            }
        }
    }

    private static Duration untilPauseEnds(Overview overview) {
        return overview.pause()
                .filter(Pause::ends)
                .map(pause -> Duration.ofMillis(pause.until() - overview.at().toEpochMilli() + 1))
                .filter(left -> left.compareTo(LONGEST) < 0)
                .orElse(LONGEST);
    }

    /** A pause with a duration ends although no request ends it. */
    private void tellEndOfPause(Overview overview) {
        Pause before = lastPause;
        lastPause = overview.pause().orElse(null);
        if (before != null
                && before.ends()
                && lastPause == null
                && before.until() <= overview.at().toEpochMilli()) {
            LOG.info("the pause is over");
        }
    }

    private void writeMetrics(Overview overview) throws InterruptedException {
        if (metricsFile == null) {
            return;
        }
        try {
            Metrics.write(metricsFile, overview, queue.call(t -> t.reports().totals()));
            metricsWrittenAt = System.nanoTime();
        } catch (QueueException e) {
            LOG.error("cannot look at the queue: {}", Text.oneLine(e.getMessage()));
        }
    }
}
