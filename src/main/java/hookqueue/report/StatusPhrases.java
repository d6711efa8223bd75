package hookqueue.report;

import hookqueue.base.Durations;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pause;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Formats times, counts and states for people, the same way everywhere. Times are in milliseconds
 * since the epoch.
 *
 * @param zone asked for only when a time is shown: the JVM reads its rules from a file
 */
record StatusPhrases(Supplier<ZoneId> zone) {
    /** {@code down since 14:02, next try 14:17}, or {@code down since 14:02, trying again}. */
    String down(LaneCounts lane, Overview o) {
        Breaker breaker = lane.breaker();
        return "down since "
                + time(breaker.since(), o.at())
                + (trying(lane, o)
                        ? ", trying again"
                        : ", next try " + time(breaker.until(), o.at()));
    }

    /** Whether a lane whose destination is down has a child process that tries it. */
    static boolean trying(LaneCounts lane, Overview o) {
        return lane.breaker().open() && o.running().containsKey(lane.name());
    }

    /** {@code paused since 14:02}, with {@code until 15:02} for a pause that has a duration. */
    String paused(Pause pause, Instant now) {
        String since = "paused since " + time(pause.since(), now);
        return pause.ends() ? since + " until " + time(pause.until(), now) : since;
    }

    /** The state of a lane, in one word. */
    static String state(LaneCounts lane, Overview o) {
        if (!lane.configured()) {
            return "removed";
        }
        if (o.running().containsKey(lane.name())) {
            return trying(lane, o) ? "trying" : "running";
        }
        if (lane.breaker().open()) {
            return "down";
        }
        if (o.pause().isPresent()) {
            return "paused";
        }
        return lane.outstanding() > 0 ? "waiting" : "idle";
    }

    /** {@code 1 path}, {@code 1,204 paths}. */
    static String paths(long count) {
        return number(count) + (count == 1 ? " path" : " paths");
    }

    static String number(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    /** {@code 3min ago}, or {@code just now}. */
    static String ago(long then, Instant now) {
        Duration age = Duration.ofMillis(Math.max(0, now.toEpochMilli() - then));
        return age.toSeconds() < 1 ? "just now" : Durations.shown(age) + " ago";
    }

    /** {@code in 3min}, or {@code now} for a time in the past. */
    static String until(long then, Instant now) {
        Duration left = Duration.ofMillis(then - now.toEpochMilli());
        return left.isNegative() ? "now" : "in " + Durations.shown(left);
    }

    /** A class of its own, loaded late: making the formats takes milliseconds of a start. */
    private static final class Times {
        static final DateTimeFormatter TODAY = DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT);
        static final DateTimeFormatter ANY_DAY =
                DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);

        private Times() {}
    }

    /** {@code 14:02}; with the date when it is more than 20 h away. */
    String time(long millis, Instant now) {
        Instant instant = Instant.ofEpochMilli(millis);
        boolean near = Duration.between(instant, now).abs().compareTo(Duration.ofHours(20)) < 0;
        return (near ? Times.TODAY : Times.ANY_DAY).format(instant.atZone(zone.get()));
    }
}
