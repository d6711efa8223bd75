package hookqueue.report;

import hookqueue.base.Durations;
import hookqueue.base.Sizes;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What one watcher sees: how far each lane is with what was queued when the watching began or has
 * come since. Holds a few numbers a lane, whatever happens.
 */
public final class ProgressBars {
    private static final int WHOLE = 1_000;

    private final StatusText status;
    private final Overview first;
    private final Map<String, LaneCounts> began = new HashMap<>();

    /**
     * @param first how things stood when the watching began
     */
    public ProgressBars(StatusText status, Overview first) {
        this.status = status;
        this.first = first;
        first.lanes().forEach(lane -> began.put(lane.name(), lane));
    }

    /**
     * Lines of fields that are separated by tabs, for a program that draws: {@code bar NAME STATE
     * PART TEXT} for each lane, with the part that is done in thousandths, and {@code say TEXT} for
     * what is to be said below.
     */
    public List<String> lines(Overview o) {
        var lines = new ArrayList<String>();
        for (LaneCounts lane : o.lanes()) {
            if (lane.configured()) {
                lines.add(
                        String.join(
                                "\t",
                                "bar",
                                plain(lane.name()),
                                StatusPhrases.state(lane, o),
                                Long.toString(part(lane, o)),
                                plain(text(lane, o))));
            }
        }
        if (o.pause().isPresent()) {
            lines.add("say\t" + status.paused(o) + "; go on: nix-post-build-hook-queue resume");
        }
        if (o.failed() > 0) {
            lines.add(
                    "say\t"
                            + StatusPhrases.paths(o.failed())
                            + " failed; see why: nix-post-build-hook-queue failed");
        }
        o.problems().forEach(problem -> lines.add("say\t" + plain(problem.text())));
        return lines;
    }

    /** What was done while it was watched: one line; empty when that was nothing. */
    public String total(Overview o) {
        var parts = new ArrayList<String>();
        for (LaneCounts lane : o.lanes()) {
            if (done(lane) > 0) {
                boolean sign = lane.name().equals(LaneStore.SIGN);
                long bytes = lane.bytes() - before(lane).bytes();
                parts.add(
                        (sign ? "signed " : "")
                                + StatusPhrases.paths(done(lane))
                                + (sign ? "" : " to " + lane.name())
                                + (bytes > 0 ? " (" + Sizes.shown(bytes) + ")" : ""));
            }
        }
        return parts.isEmpty()
                ? ""
                : String.join(", ", parts)
                        + " in "
                        + Durations.shown(Forecast.positive(Duration.between(first.at(), o.at())));
    }

    private LaneCounts before(LaneCounts lane) {
        return began.computeIfAbsent(lane.name(), name -> lane);
    }

    private long done(LaneCounts lane) {
        return lane.delivered() - before(lane).delivered();
    }

    private long part(LaneCounts lane, Overview o) {
        long all = done(lane) + lane.outstanding() + lane.held();
        if (all == 0) {
            return WHOLE;
        }
        Lane.Batch batch = o.running().get(lane.name());
        double now = batch == null ? 0 : batch.paths() * Forecast.done(batch.progress().snapshot());
        return Math.min(WHOLE, (long) (WHOLE * (done(lane) + now) / all));
    }

    private String text(LaneCounts lane, Overview o) {
        if (lane.breaker().open()) {
            return status.down(lane, o.at());
        }
        var text = new StringBuilder();
        long all = done(lane) + lane.outstanding() + lane.held();
        text.append(StatusPhrases.number(done(lane)))
                .append(" of ")
                .append(StatusPhrases.paths(all));
        Lane.Batch batch = o.running().get(lane.name());
        long bytes = lane.bytes() - before(lane).bytes();
        if (batch != null) {
            Progress.Snapshot progress = batch.progress().snapshot();
            bytes += progress.bytes();
            if (progress.bytes() > 0) {
                text.append(", ").append(Sizes.shown(bytes));
                text.append(" at ").append(StatusText.rate(batch, progress, o.at()));
                bytes = 0;
            }
        }
        if (bytes > 0) {
            text.append(", ").append(Sizes.shown(bytes));
        }
        if (batch != null && lane.bytes() == 0 && lane.pace().paths() > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            ", %.1f paths/s",
                            lane.pace().paths() * 1_000 / Math.max(1, lane.pace().millis())));
        }
        if (lane.deferred() > 0) {
            text.append(", ").append(StatusPhrases.number(lane.deferred())).append(" deferred");
        }
        Forecast.of(lane, o)
                .ifPresent(left -> text.append(", ").append(Forecast.shown(left)).append(" left"));
        return text.toString();
    }

    /** Without what a terminal would obey, a separator would be, or has no certain width. */
    private static String plain(String text) {
        var plain = new StringBuilder(text.length());
        text.replace("…", "...")
                .chars()
                .forEach(c -> plain.append(c >= ' ' && c < 127 ? (char) c : '?'));
        return plain.toString();
    }
}
