package hookqueue.report;

import hookqueue.base.Durations;
import hookqueue.base.Sizes;
import hookqueue.base.Text;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Draws progress bars: how much is done, in each lane, of the paths that were queued when a watcher
 * began or came since; and below a lane with several child processes, how much each of them has
 * done. It keeps a few numbers a lane.
 *
 * <pre>
 *   line HEAD                        a line of text
 *   line HEAD COLOUR BAR TAIL        "s3://cache [", green, "####----", "]  50% 10 of 20 paths"
 *   draw SINCE                       the picture is complete
 * </pre>
 *
 * Fields are separated by tabs; COLOUR is green, red, yellow or none. All is printable ASCII, and
 * no picture is larger than the terminal. A client whose terminal changes its size asks again with
 * the {@link #since} that it was given.
 */
public final class ProgressBars {
    private static final int WHOLE = 1_000;
    private static final int LONGEST_BAR = 40;
    private static final int SHORTEST_BAR = 10;

    /** Blanks, brackets and percentage of a line with a bar. */
    private static final int FRAME = 9;

    private final StatusText status;
    private final Baseline baseline;

    /** Counts from the first state, or from an earlier {@link #since} if that fits. */
    public ProgressBars(StatusText status, Overview first, String since) {
        this.status = status;
        Baseline earlier = Baseline.parse(since, first);
        this.baseline = earlier == null ? Baseline.of(first) : earlier;
    }

    /** Where the watching began, as one word. */
    public String since() {
        return baseline.word();
    }

    private record Bar(String name, String state, long part, String text) {}

    /** The lines of a picture for a terminal of this size. */
    public List<String> lines(Overview o, int columns, int rows) {
        List<LaneCounts> lanes = o.lanes().stream().filter(LaneCounts::configured).toList();
        List<String> notes = notes(o);
        int left = rows - 1 - lanes.size() - notes.size();
        var bars = new ArrayList<Bar>();
        for (LaneCounts lane : lanes) {
            bars.add(
                    new Bar(
                            Text.ascii(lane.name()),
                            StatusPhrases.state(lane, o),
                            part(lane, o),
                            Text.ascii(text(lane, o))));
            List<Bar> children = children(lane, o);
            if (children.size() <= left) { // otherwise the bar of the lane has to do
                bars.addAll(children);
                left -= children.size();
            }
        }
        int width = columns - 1; // in the last column a terminal may wrap
        var lines = new ArrayList<String>();
        bars.forEach(bar -> lines.add(draw(bar, bars, width)));
        for (String note : notes) {
            String line = Text.ascii(note);
            lines.add("line\t" + line.substring(0, Math.min(width, line.length())));
        }
        return lines.subList(0, Math.min(rows - 1, lines.size()));
    }

    /** One for each child process, the oldest first; none for a lane with a single one. */
    private static List<Bar> children(LaneCounts lane, Overview o) {
        Running running = o.running().get(lane.name());
        if (running == null || running.batches().size() < 2) {
            return List.of();
        }
        var bars = new ArrayList<Bar>();
        for (Lane.Batch batch : running.batches()) {
            var child = new Running(List.of(batch));
            Progress.Snapshot progress = child.progress();
            String sent = ", " + Sizes.shown(progress.bytes()) + " at " + child.rate(o.at());
            bars.add(
                    new Bar(
                            "  process " + (bars.size() + 1),
                            "running",
                            Math.clamp((long) (WHOLE * Forecast.done(progress)), 0, WHOLE),
                            StatusPhrases.paths(batch.paths())
                                    + (progress.bytes() > 0 ? sent : "")));
        }
        return bars;
    }

    private static String draw(Bar bar, List<Bar> all, int width) {
        int names = all.stream().mapToInt(each -> each.name().length()).max().orElse(1);
        int texts = all.stream().mapToInt(each -> each.text().length()).max().orElse(0);
        int forName = Math.min(names, width / 3);
        int forBar =
                Math.clamp(
                        width - forName - texts - FRAME,
                        Math.min(SHORTEST_BAR, Math.max(1, width - forName - FRAME)),
                        LONGEST_BAR);
        int forText = Math.max(0, width - forName - forBar - FRAME);
        int done = (int) (forBar * bar.part() / WHOLE);
        String name = bar.name().substring(0, Math.min(forName, bar.name().length()));
        return String.join(
                "\t",
                "line",
                name + " ".repeat(forName - name.length()) + " [",
                colour(bar.state()),
                "#".repeat(done) + "-".repeat(forBar - done),
                String.format(Locale.ROOT, "] %3d%% ", bar.part() * 100 / WHOLE)
                        + bar.text().substring(0, Math.min(forText, bar.text().length())));
    }

    private static String colour(String state) {
        return switch (state) {
            case "running", "trying" -> "green";
            case "down" -> "red";
            case "paused" -> "yellow";
            default -> "none";
        };
    }

    private List<String> notes(Overview o) {
        var notes = new ArrayList<String>();
        if (o.pause().isPresent()) {
            notes.add(status.paused(o) + "; to resume: nix-post-build-hook-queue resume");
        }
        if (o.failed() > 0) {
            notes.add(
                    StatusPhrases.paths(o.failed())
                            + " failed; see why: nix-post-build-hook-queue failed");
        }
        o.problems().forEach(problem -> notes.add(problem.text()));
        return notes;
    }

    /** What was delivered since the watching began, in one line; empty for nothing. */
    public String total(Overview o) {
        var parts = new ArrayList<String>();
        for (LaneCounts lane : o.lanes()) {
            if (baseline.deliveredSince(lane) > 0) {
                boolean sign = lane.name().equals(LaneStore.SIGN);
                long bytes = baseline.bytesSince(lane);
                parts.add(
                        (sign ? "signed " : "")
                                + StatusPhrases.paths(baseline.deliveredSince(lane))
                                + (sign ? "" : " to " + lane.name())
                                + (bytes > 0 ? " (" + Sizes.shown(bytes) + ")" : ""));
            }
        }
        Duration took = Duration.ofMillis(o.at().toEpochMilli() - baseline.atMillis());
        return parts.isEmpty()
                ? ""
                : String.join(", ", parts) + " in " + Durations.shown(Forecast.positive(took));
    }

    private long part(LaneCounts lane, Overview o) {
        long all = baseline.deliveredSince(lane) + lane.outstanding() + lane.held();
        if (all == 0) {
            return WHOLE;
        }
        Running running = o.running().get(lane.name());
        double now = running == null ? 0 : running.paths() * Forecast.done(running.progress());
        return Math.clamp((long) (WHOLE * (baseline.deliveredSince(lane) + now) / all), 0, WHOLE);
    }

    private String text(LaneCounts lane, Overview o) {
        if (lane.breaker().open()) {
            return status.down(lane, o);
        }
        var text = new StringBuilder();
        long all = baseline.deliveredSince(lane) + lane.outstanding() + lane.held();
        text.append(StatusPhrases.number(baseline.deliveredSince(lane)))
                .append(" of ")
                .append(StatusPhrases.paths(all));
        Running running = o.running().get(lane.name());
        long sending = running == null ? 0 : running.progress().bytes();
        long bytes = baseline.bytesSince(lane) + sending;
        if (bytes > 0) {
            text.append(", ").append(Sizes.shown(bytes));
        }
        if (running != null && sending > 0) {
            text.append(" at ").append(running.rate(o.at()));
        }
        if (running != null && lane.bytes() == 0 && lane.pace().paths() > 0) {
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
}
