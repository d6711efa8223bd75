package hookqueue.report;

import hookqueue.base.Sizes;
import hookqueue.base.Text;
import hookqueue.nix.Progress;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** An {@link Overview} for people: one line for systemd, some lines for a terminal. */
public final class StatusText {
    private static final String ME = "nix-post-build-hook-queue ";

    private static final Object[] HEADINGS = {
        "LANE", "STATE", "QUEUED", "DEFERRED", "FAILED", "DELIVERED", "SENT", "LAST"
    };

    private final StatusPhrases words;

    public StatusText(Supplier<ZoneId> zone) {
        this.words = new StatusPhrases(zone);
    }

    /** One line: running batches, destinations that are down, queued and failed paths, problems. */
    public String summary(Overview o) {
        var parts = new ArrayList<String>();
        if (o.pause().isPresent()) {
            parts.add(paused(o) + ", " + o.outstanding() + " queued");
        }
        for (LaneCounts lane : o.lanes()) {
            Running running = o.running().get(lane.name());
            if (lane.configured() && lane.breaker().open()) {
                String now =
                        running == null
                                ? ", " + (lane.outstanding() + lane.held()) + " queued"
                                : ": " + running(lane, running, "", o.at());
                parts.add(lane.name() + " " + words.down(lane, o) + now);
            } else if (running != null) {
                parts.add(running(lane, running, " to " + lane.name(), o.at()));
            } else if (lane.configured() && lane.deferred() > 0) {
                parts.add(lane.name() + ": " + lane.deferred() + " deferred");
            }
        }
        if (o.failed() > 0) {
            parts.add(o.failed() + " failed");
        }
        o.problems().forEach(problem -> parts.add(problem.text()));
        o.restart().ifPresent(restart -> parts.add(restart.what()));
        return parts.isEmpty() ? "idle" : String.join("; ", parts);
    }

    /** For a terminal: the summary, a table of the lanes, and the commands for what needs doing. */
    public List<String> text(Overview o) {
        var lines = new ArrayList<String>();
        lines.add(summary(o));
        if (!o.lanes().isEmpty()) {
            section(lines, table(o));
        }
        var facts = new ArrayList<String>();
        o.oldest()
                .ifPresent(oldest ->
                        facts.add(
                                "oldest path  queued "
                                        + StatusPhrases.ago(oldest.toEpochMilli(), o.at())));
        Forecast.of(o)
                .ifPresent(left ->
                        facts.add("time left    " + Forecast.shown(left) + " at the current rate"));
        section(lines, facts);
        section(lines, todo(o));
        return lines;
    }

    private static void section(List<String> lines, List<String> more) {
        if (!more.isEmpty()) {
            lines.add("");
            lines.addAll(more);
        }
    }

    private static List<String> table(Overview o) {
        int width = o.lanes().stream().mapToInt(lane -> lane.name().length()).max().orElse(4);
        String format = "%-" + Math.max(width, 4) + "s  %-7s  %7s  %8s  %6s  %9s  %7s  %s";
        var lines = new ArrayList<String>();
        lines.add(String.format(Locale.ROOT, format, HEADINGS));
        for (LaneCounts lane : o.lanes()) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            format,
                            lane.name(),
                            StatusPhrases.state(lane, o),
                            StatusPhrases.number(lane.fresh() + lane.held()),
                            StatusPhrases.number(lane.deferred()),
                            StatusPhrases.number(lane.failed()),
                            StatusPhrases.number(lane.delivered()),
                            lane.bytes() == 0 ? "-" : Sizes.shown(lane.bytes()),
                            lane.lastDelivery() == 0
                                    ? "never"
                                    : StatusPhrases.ago(lane.lastDelivery(), o.at())));
        }
        return lines;
    }

    /** What an operator should do, with the command. */
    private List<String> todo(Overview o) {
        var lines = new ArrayList<String>();
        for (LaneCounts lane : o.lanes()) {
            if (lane.configured() && lane.breaker().open()) {
                Breaker breaker = lane.breaker();
                lines.add(
                        "%s is down since %s (%s), %s: %s"
                                .formatted(
                                        lane.name(),
                                        words.time(breaker.since(), o.at()),
                                        StatusPhrases.ago(breaker.since(), o.at()),
                                        StatusPhrases.trying(lane, o)
                                                ? "trying again"
                                                : "next try "
                                                        + StatusPhrases.until(
                                                                breaker.until(), o.at()),
                                        Text.firstLine(breaker.reason())));
                lines.add("    try now:    " + ME + "retry");
            }
        }
        long deferred = o.deferred();
        if (deferred > 0 && o.pause().isEmpty()) {
            lines.add(
                    deferred == 1
                            ? "1 path is deferred; the worker retries it later"
                            : StatusPhrases.paths(deferred)
                                    + " are deferred; the worker retries them later");
            lines.add("    see why:    " + ME + "list");
            lines.add("    try now:    " + ME + "retry");
        }
        if (o.failed() > 0) {
            lines.add(
                    o.failed() == 1
                            ? "1 path failed; the worker does not retry it"
                            : StatusPhrases.paths(o.failed())
                                    + " failed; the worker does not retry them");
            lines.add("    see why:    " + ME + "failed");
            lines.add("    try again:  " + ME + "retry");
        }
        if (o.pause().isPresent()) {
            lines.add(paused(o) + ": no new batch starts");
            lines.add("    resume:     " + ME + "resume");
        }
        o.restart()
                .ifPresent(restart -> {
                    if (restart.coming()) {
                        lines.add(restart.what() + "; no new batch starts before");
                        lines.add("    at once:    systemctl restart nix-post-build-hook-queue");
                    } else {
                        lines.add(restart.what());
                        lines.add("    restart:    systemctl reload nix-post-build-hook-queue");
                    }
                });
        addAll(lines, "problem: ", o.problems());
        addAll(lines, "hint: ", o.hints());
        return lines;
    }

    private static void addAll(
            List<String> lines, String heading, List<Overview.Problem> problems) {
        for (Overview.Problem problem : problems) {
            lines.add(heading + problem.what());
            lines.add("    " + problem.remedy());
        }
    }

    private static String running(LaneCounts lane, Running running, String to, Instant now) {
        Progress.Snapshot progress = running.progress();
        int paths = running.paths();
        if (lane.name().equals(LaneStore.SIGN)) {
            return "signing " + paths + " of " + lane.outstanding();
        }
        long all = lane.outstanding() + lane.held();
        var text = new StringBuilder("copying " + paths + " of " + all + to);
        if (progress.bytes() > 0) {
            text.append(", ").append(Sizes.shown(progress.bytes()));
            if (progress.bytesExpected() > progress.bytes()) {
                text.append(" of ").append(Sizes.shown(progress.bytesExpected()));
            }
            text.append(" at ").append(running.rate(now));
        }
        if (running.batches().size() > 1) {
            text.append(" by ").append(running.batches().size()).append(" processes");
        }
        return text.toString();
    }

    /** Since when the queue is paused, and until when, as in {@link #summary}. */
    public String paused(Overview o) {
        return o.pause().map(pause -> words.paused(pause, o.at())).orElse("not paused");
    }

    /** Since when a destination is down, and why. */
    String down(LaneCounts lane, Overview o) {
        return words.down(lane, o) + ": " + Text.firstLine(lane.breaker().reason());
    }
}
