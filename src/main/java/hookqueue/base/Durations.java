package hookqueue.base;

import java.time.Duration;
import java.util.Locale;

/**
 * Durations in settings and requests: {@code 500ms}, {@code 30s}, {@code 10min}, {@code 2h}, {@code
 * 30d}, or a bare number of seconds. Whole numbers only; the largest is 36500 days.
 */
public final class Durations {
    private static final String RULE =
            "a whole number with one of the units ms, s, min, h, d, or bare for seconds";
    private static final Duration LARGEST = Duration.ofDays(36_500);

    private Durations() {}

    /** The message of its IllegalArgumentException names the value and the rule. */
    public static Duration parse(String text) {
        int digits = 0;
        while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
            digits++;
        }
        long unit =
                switch (text.substring(digits)) {
                    case "ms" -> 1;
                    case "s", "" -> 1_000;
                    case "min" -> 60_000;
                    case "h" -> 3_600_000;
                    case "d" -> 86_400_000;
                    default -> 0;
                };
        if (digits == 0 || digits > 15 || unit == 0) {
            throw new IllegalArgumentException(
                    "not a duration (" + RULE + "): " + Text.quoted(text));
        }
        long number = Long.parseLong(text.substring(0, digits));
        if (number > LARGEST.toMillis() / unit) {
            throw new IllegalArgumentException(
                    "a duration longer than 36500d: " + Text.quoted(text));
        }
        return Duration.ofMillis(number * unit);
    }

    /**
     * Formats for people, with the two largest units: {@code 2h 5min}, {@code 14s}, {@code 350ms}.
     */
    public static String shown(Duration d) {
        long ms = d.toMillis();
        if (ms < 1_000) {
            return ms + "ms";
        }
        long s = ms / 1_000;
        if (s < 10) {
            return String.format(Locale.ROOT, "%.1fs", ms / 1_000.0);
        }
        if (s < 60) {
            return s + "s";
        }
        if (s < 3_600) {
            return two(s, 60, "min", 1, "s");
        }
        return s < 86_400 ? two(s, 3_600, "h", 60, "min") : two(s, 86_400, "d", 3_600, "h");
    }

    private static String two(long s, long large, String largeUnit, long small, String smallUnit) {
        long rest = s % large / small;
        return s / large + largeUnit + (rest == 0 ? "" : " " + rest + smallUnit);
    }
}
