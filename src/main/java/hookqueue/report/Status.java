package hookqueue.report;

import com.google.gson.stream.JsonWriter;
import hookqueue.base.Durations;
import hookqueue.base.Sizes;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneCounts;
import java.io.IOException;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * An {@link Overview} in words: one line for systemd, a few lines for a terminal, JSON for
 * programs.
 */
public final class Status {
    private final Supplier<ZoneId> zone;

    /**
     * @param zone for times of the day; asked for only then, since its rules are a file to be read
     */
    public Status(Supplier<ZoneId> zone) {
        this.zone = zone;
    }

    /** One line: what runs, what is down, how much waits, what has failed. */
    public String summary(Overview o) {
        var parts = new ArrayList<String>();
        if (o.pausedSince().isPresent()) {
            parts.add(
                    "paused since "
                            + time(o.pausedSince().get(), o.at())
                            + ", "
                            + o.outstanding()
                            + " queued");
        }
        for (LaneCounts lane : o.lanes()) {
            Lane.Batch batch = o.running().get(lane.name());
            if (batch != null) {
                parts.add(running(lane, batch, o.at()));
            } else if (lane.configured() && lane.breaker().open()) {
                parts.add(
                        lane.name()
                                + " "
                                + down(lane.breaker(), o.at())
                                + ", "
                                + (lane.outstanding() + lane.held())
                                + " queued");
            } else if (lane.configured() && lane.deferred() > 0) {
                parts.add(lane.name() + ": " + lane.deferred() + " deferred");
            }
        }
        if (o.failed() > 0) {
            parts.add(o.failed() + " failed");
        }
        parts.addAll(o.problems());
        return parts.isEmpty() ? "idle" : String.join("; ", parts);
    }

    /** A few lines for people. */
    public List<String> text(Overview o) {
        var lines = new ArrayList<String>();
        lines.add(summary(o));
        int width = o.lanes().stream().mapToInt(lane -> lane.name().length()).max().orElse(4);
        String format = "%-" + Math.max(width, 4) + "s  %-10s %9s %9s %9s %9s %10s";
        lines.add(
                String.format(
                        Locale.ROOT,
                        format,
                        "LANE",
                        "STATE",
                        "QUEUED",
                        "DEFERRED",
                        "FAILED",
                        "DELIVERED",
                        "BYTES"));
        for (LaneCounts lane : o.lanes()) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            format,
                            lane.name(),
                            state(lane, o),
                            lane.fresh() + lane.held(),
                            lane.deferred(),
                            lane.failed(),
                            lane.delivered(),
                            Sizes.shown(lane.bytes())));
            if (lane.breaker().open()) {
                lines.add("  " + firstLine(lane.breaker().reason()));
            }
        }
        o.oldest()
                .ifPresent(oldest ->
                        lines.add(
                                "oldest queued "
                                        + Durations.shown(
                                                positive(Duration.between(oldest, o.at())))
                                        + " ago"));
        o.problems().forEach(problem -> lines.add("problem: " + problem));
        if (o.failed() > 0) {
            lines.add(
                    "see why: nix-post-build-hook-queue failed; try again: nix-post-build-hook-queue retry");
        }
        if (o.pausedSince().isPresent()) {
            lines.add("go on: nix-post-build-hook-queue resume");
        }
        return lines;
    }

    /** One JSON object; times are RFC 3339 in UTC, absent when there is none. */
    public String json(Overview o) {
        var text = new StringWriter();
        try (var json = new JsonWriter(text)) {
            json.beginObject();
            json.name("at").value(o.at().toString());
            json.name("summary").value(summary(o));
            json.name("queued").value(o.outstanding());
            json.name("failed").value(o.failed());
            if (o.oldest().isPresent()) {
                json.name("oldest_queued_at").value(o.oldest().get().toString());
            }
            if (o.pausedSince().isPresent()) {
                json.name("paused_since").value(o.pausedSince().get().toString());
            }
            json.name("problems").beginArray();
            for (String problem : o.problems()) {
                json.value(problem);
            }
            json.endArray();
            json.name("lanes").beginArray();
            for (LaneCounts lane : o.lanes()) {
                lane(json, lane, o);
            }
            json.endArray();
            json.endObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory failed", e);
        }
        return text.toString();
    }

    private void lane(JsonWriter json, LaneCounts lane, Overview o) throws IOException {
        json.beginObject();
        json.name("name").value(lane.name());
        json.name("configured").value(lane.configured());
        json.name("state").value(state(lane, o));
        json.name("held").value(lane.held());
        json.name("queued").value(lane.fresh());
        json.name("deferred").value(lane.deferred());
        json.name("failed").value(lane.failed());
        json.name("delivered").value(lane.delivered());
        json.name("bytes").value(lane.bytes());
        if (lane.lastDelivery() > 0) {
            json.name("last_delivery_at")
                    .value(Instant.ofEpochMilli(lane.lastDelivery()).toString());
        }
        if (lane.breaker().open()) {
            json.name("down_since").value(Instant.ofEpochMilli(lane.breaker().since()).toString());
            json.name("next_try_at").value(Instant.ofEpochMilli(lane.breaker().until()).toString());
            json.name("reason").value(lane.breaker().reason());
        }
        Lane.Batch batch = o.running().get(lane.name());
        if (batch != null) {
            Progress.Snapshot progress = batch.progress().snapshot();
            json.name("running").beginObject();
            json.name("paths").value(batch.paths());
            json.name("since").value(batch.since().toString());
            json.name("copied_paths").value(progress.paths());
            json.name("copied_bytes").value(progress.bytes());
            json.name("expected_bytes").value(progress.bytesExpected());
            json.endObject();
        }
        json.endObject();
    }

    private static String state(LaneCounts lane, Overview o) {
        if (!lane.configured()) {
            return "removed";
        }
        if (o.running().containsKey(lane.name())) {
            return lane.breaker().open() ? "trying" : "running";
        }
        if (lane.breaker().open()) {
            return "down";
        }
        if (o.pausedSince().isPresent()) {
            return "paused";
        }
        return lane.outstanding() > 0 ? "waiting" : "idle";
    }

    private static String running(LaneCounts lane, Lane.Batch batch, Instant now) {
        Progress.Snapshot progress = batch.progress().snapshot();
        var text = new StringBuilder();
        if (lane.name().equals(hookqueue.queue.Ledger.SIGN)) {
            return text.append("signing ")
                    .append(batch.paths())
                    .append(" of ")
                    .append(lane.outstanding())
                    .toString();
        }
        text.append("copying ")
                .append(batch.paths())
                .append(" of ")
                .append(lane.outstanding() + lane.held())
                .append(" to ")
                .append(lane.name());
        if (progress.bytes() > 0) {
            long millis = Math.max(1, Duration.between(batch.since(), now).toMillis());
            text.append(", ").append(Sizes.shown(progress.bytes()));
            if (progress.bytesExpected() > progress.bytes()) {
                text.append(" of ").append(Sizes.shown(progress.bytesExpected()));
            }
            text.append(" at ").append(Sizes.shown(progress.bytes() * 1_000 / millis)).append("/s");
        }
        return text.toString();
    }

    private String down(Breaker breaker, Instant now) {
        return "down since "
                + time(Instant.ofEpochMilli(breaker.since()), now)
                + ", next try "
                + time(Instant.ofEpochMilli(breaker.until()), now);
    }

    /** A class of its own: formats take some milliseconds to make, which a start can do without. */
    private static final class Times {
        static final DateTimeFormatter TODAY = DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT);
        static final DateTimeFormatter ANY_DAY =
                DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);

        private Times() {}
    }

    private String time(Instant instant, Instant now) {
        boolean near = Duration.between(instant, now).abs().compareTo(Duration.ofHours(20)) < 0;
        return (near ? Times.TODAY : Times.ANY_DAY).format(instant.atZone(zone.get()));
    }

    private static Duration positive(Duration d) {
        return d.isNegative() ? Duration.ZERO : d;
    }

    private static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end) + " …";
    }
}
