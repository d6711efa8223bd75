package hookqueue.delivery;

import hookqueue.base.Durations;
import hookqueue.base.Sizes;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a lane tells the journal. */
record LaneLog(String name, int maxAttempts) {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

    /** Tells of a path that is failed or deferred. */
    void tell(Verdict verdict, long now) {
        if (verdict instanceof Verdict.Failed failed) {
            // Zero: the path can never be delivered, and one check has shown it.
            int failures = failed.failures();
            String after = failures == 0 ? "" : " after " + failures + " attempts";
            String reason = Text.oneLine(failed.reason());
            LOG.error("{}: failed {}{}: {}", name, failed.entry().path(), after, reason);
        } else if (verdict instanceof Verdict.Deferred later) {
            LOG.warn(
                    "{}: deferred {} for {}{}: {}",
                    name,
                    later.entry().path(),
                    Durations.shown(Duration.ofMillis(Math.max(0, later.dueAt() - now))),
                    later.failures() == 0
                            ? ""
                            : " (attempt " + later.failures() + " of " + maxAttempts + ")",
                    Text.oneLine(later.reason()));
        }
    }

    /** Tells when the destination goes down, and when it works again. */
    void tell(LaneQueue.Change change, long now) {
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

    /** Tells of the end of a child process. The last argument is for the journal's fields. */
    void tell(DeliveryOutcome outcome, DeliveryGroup group, Duration took) {
        List<StorePath> paths = group.paths();
        String reason = Text.oneLine(outcome.reason());
        String time = Durations.shown(took);
        String what = paths.size() == 1 ? paths.getFirst().toString() : paths.size() + " paths";
        switch (outcome) {
            case DeliveryOutcome.Delivered delivered ->
                    LOG.info(
                            "{}: {} {} in {}{}",
                            name,
                            name.equals(LaneStore.SIGN) ? "signed" : "delivered",
                            what,
                            time,
                            rate(delivered.bytes(), took),
                            paths);
            case DeliveryOutcome.NotTaken _ ->
                    LOG.warn("{}: {} not taken after {}: {}", name, what, time, reason, paths);
            case DeliveryOutcome.Invalid invalid ->
                    LOG.warn(
                            "{}: {} not valid: {}",
                            name,
                            paths.size() == 1 ? what : invalid.paths().size() + " of " + what,
                            reason,
                            invalid.paths());
            case DeliveryOutcome.Unusable _ -> LOG.error("{}: {}", name, reason, paths);
            case DeliveryOutcome.Cancelled _ ->
                    LOG.info("{}: {} interrupted, still queued", name, what, paths);
        }
    }

    private static String rate(long bytes, Duration took) {
        if (bytes == 0) {
            return "";
        }
        long perSecond = bytes * 1_000 / Math.max(1, took.toMillis());
        return ", " + Sizes.shown(bytes) + " at " + Sizes.shown(perSecond) + "/s";
    }
}
