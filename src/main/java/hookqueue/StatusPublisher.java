package hookqueue;

import hookqueue.base.Text;
import hookqueue.delivery.Lane;
import hookqueue.protocol.Listener;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Pause;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.Metrics;
import hookqueue.report.Overview;
import hookqueue.report.StatusText;
import hookqueue.spool.SpoolIntake;
import hookqueue.systemd.Notify;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens twice a second on the main thread: systemd is told how things stand and that the
 * worker lives, the spool is taken in, the metrics file is written when something has changed,
 * failed paths of long ago are dropped, roots that could not be made are made, and the listener
 * learns whether work remains.
 *
 * <p>Systemd's watchdog is fed from here, so it is fed only while the listener turns and the queue
 * answers.
 */
final class StatusPublisher implements Listener.Work {
    private static final Logger LOG = LoggerFactory.getLogger(StatusPublisher.class);
    private static final Duration METRICS_EVERY = Duration.ofSeconds(15);
    private static final Duration EXPIRE_EVERY = Duration.ofMinutes(10);
    private static final Duration MEND_EVERY = Duration.ofSeconds(5);
    private static final int EXPIRE_AT_ONCE = 500;

    private final Settings settings;
    private final Queue queue;
    private final SpoolIntake intake;
    private final List<Lane> lanes;
    private final Notify notify;
    private final StatusText status;
    private final Metrics metrics;
    private final InstantSource clock;
    private final boolean watched;
    private long lastMetrics;
    private long lastExpiry;
    private long lastMending;
    private String lastSummary = "";
    private String lastTrouble = "";
    private @Nullable Pause lastPause;

    StatusPublisher(
            Map<String, String> environment,
            Settings settings,
            Queue queue,
            SpoolIntake intake,
            List<Lane> lanes,
            Notify notify,
            StatusText status,
            Metrics metrics,
            InstantSource clock) {
        this.settings = settings;
        this.queue = queue;
        this.intake = intake;
        this.lanes = lanes;
        this.notify = notify;
        this.status = status;
        this.metrics = metrics;
        this.clock = clock;
        this.watched = environment.containsKey("WATCHDOG_USEC");
        this.lastExpiry = System.nanoTime() - EXPIRE_EVERY.toNanos();
        this.lastMending = System.nanoTime() - MEND_EVERY.toNanos();
        this.lastMetrics = System.nanoTime() - METRICS_EVERY.toNanos();
    }

    /** Tells systemd that the worker serves. */
    void begin() {
        notify.ready("ready");
    }

    /** Whether anything is queued, deferred or running; on the way the other things are done. */
    @Override
    public boolean remains() throws InterruptedException {
        try {
            intake.takeIn();
            Overview overview = Overview.of(queue, lanes, clock);
            lastTrouble = "";
            alive();
            String summary = status.summary(overview);
            notify.status(summary);
            writeMetrics(overview, summary);
            tellEndOfPause(overview);
            expire();
            mendRoots();
            return overview.outstanding() > 0 || !overview.running().isEmpty();
        } catch (QueueException e) {
            String trouble = Text.oneLine(e.getMessage());
            if (!trouble.equals(lastTrouble)) { // it may be so for hours
                LOG.error("cannot look at the queue: {}", trouble);
            }
            lastTrouble = trouble;
            notify.status(trouble);
            return true;
        }
    }

    private void alive() {
        if (watched) {
            notify.watchdog();
        }
    }

    /** The same before the worker ends: roots are looked at, too. */
    boolean remainsAtLast() throws InterruptedException {
        try {
            while (queue.mendRoots()) { // what has failed keeps its root though no worker runs
                alive();
            }
            queue.lookAtRoots(this::alive);
            return remains();
        } catch (QueueException e) {
            LOG.error("cannot look at the queue: {}", e.getMessage());
            return true;
        }
    }

    /** Leaves the last state in the metrics file, since it is true until the next worker comes. */
    void end() throws InterruptedException {
        try {
            lastMetrics = 0;
            lastSummary = "";
            writeMetrics(Overview.of(queue, lanes, clock), "ended");
        } catch (QueueException e) {
            LOG.error("cannot look at the queue: {}", e.getMessage());
        }
    }

    /** A pause with an end of its own ends while nobody looks on. */
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

    private void writeMetrics(Overview overview, String summary)
            throws QueueException, InterruptedException {
        boolean changed = !summary.equals(lastSummary);
        boolean due = System.nanoTime() - lastMetrics > METRICS_EVERY.toNanos();
        if (settings.metricsFile() != null && (changed || due)) {
            metrics.write(settings.metricsFile(), overview, queue.call(t -> t.reports().totals()));
            lastMetrics = System.nanoTime();
            lastSummary = summary;
        }
    }

    private void expire() throws QueueException, InterruptedException {
        if (System.nanoTime() - lastExpiry < EXPIRE_EVERY.toNanos()) {
            return;
        }
        boolean more = queue.forget();
        long now = clock.millis();
        List<DeliveryRow> dropped =
                queue.call(transaction ->
                        transaction
                                .paths()
                                .expire(
                                        now - settings.failedRetention().toMillis(),
                                        EXPIRE_AT_ONCE,
                                        now));
        if (!more && dropped.size() < EXPIRE_AT_ONCE) { // else the next pulse goes on
            lastExpiry = System.nanoTime();
        }
        for (DeliveryRow row : dropped) {
            LOG.warn(
                    "{}: dropped {}, which failed more than {} ago: {}",
                    row.lane(),
                    row.path(),
                    settings.failedRetention(),
                    Text.oneLine(row.reason()));
        }
    }

    private void mendRoots() throws QueueException, InterruptedException {
        if (System.nanoTime() - lastMending >= MEND_EVERY.toNanos() && !queue.mendRoots()) {
            lastMending = System.nanoTime(); // else the next pulse goes on
        }
    }
}
