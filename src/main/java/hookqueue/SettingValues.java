package hookqueue;

import hookqueue.base.Durations;
import hookqueue.base.Text;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Parses the values of settings. A method that refuses a value says which, and the rule. */
final class SettingValues {
    private SettingValues() {}

    static Path absolute(String text) {
        if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("not an absolute path: " + Text.quoted(text));
        }
        return Path.of(text);
    }

    static int number(String text, int least, int most) {
        int number = text.matches("[+]?[0-9]{1,9}") ? Integer.parseInt(text) : -1;
        if (number < least || number > most) {
            throw new IllegalArgumentException(
                    "not a whole number from " + least + " to " + most + ": " + Text.quoted(text));
        }
        return number;
    }

    static Duration atLeastASecond(String text) {
        Duration duration = Durations.parse(text);
        if (duration.toSeconds() < 1) {
            throw new IllegalArgumentException("shorter than 1.0s: " + Text.quoted(text));
        }
        return duration;
    }

    static Pattern pattern(String text) {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "not a regular expression (" + e.getDescription() + "): " + Text.quoted(text),
                    e);
        }
    }

    static boolean yesOrNo(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true", "yes", "1" -> true;
            case "false", "no", "0" -> false;
            default ->
                    throw new IllegalArgumentException(
                            "neither true nor false: " + Text.quoted(text));
        };
    }

    static String level(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (!Set.of("trace", "debug", "info", "warn", "error").contains(lower)) {
            throw new IllegalArgumentException(
                    "none of trace, debug, info, warn, error: " + Text.quoted(text));
        }
        return lower;
    }
}
