package hookqueue.base;

import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/**
 * The one sanitizer: text of other programs and users becomes safe for a log, a reply and a
 * terminal.
 *
 * <pre>
 *   Nix, ssh, exec: ─► {@link #clean} ─► database, journal ─► {@link #oneLine} ─┐
 *   a client's words ─► {@link #quoted} ─► error messages ──────────────────────┼─► {@link #line} ─► socket
 *   lane names ─► {@link #ascii} ─► progress bars ──────────────────────────────┘   (the last defence)
 * </pre>
 */
public final class Text {
    private static final Pattern ESCAPES =
            Pattern.compile(
                    "\u001b\\[[0-?]*[ -/]*[@-~]|\u001b\\][^\u0007\u001b]*(\u0007|\u001b\\\\)?|\u001b.");

    /** The longest value that an error message quotes, in characters. */
    private static final int QUOTED = 120;

    private Text() {}

    /**
     * Removes escape sequences and replaces unsafe characters by {@code ?}; line ends and tabs
     * stay.
     */
    public static String clean(String text) {
        return replaced(ESCAPES.matcher(text).replaceAll(""), c -> c == '\n' || isSafe(c));
    }

    /** Replaces unsafe characters, and line ends, by {@code ?}: the result is one line. */
    public static String line(String text) {
        return replaced(text, Text::isSafe);
    }

    public static String oneLine(String text) {
        return text.replace("\n", " | ");
    }

    /** The first line, with {@code …} when more follow. */
    public static String firstLine(String text) {
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end) + " …";
    }

    /** Cuts a text that is longer than {@code most} characters, and marks the cut by {@code …}. */
    public static String shortened(String text, int most) {
        return text.length() <= most ? text : text.substring(0, most) + "…";
    }

    /** A value for an error message: one safe line, not longer than a line of a terminal or two. */
    public static String quoted(String value) {
        String shown = replaced(shortened(value, QUOTED), c -> c != '\t' && isSafe(c));
        return value.length() > QUOTED ? shown + " (" + value.length() + " characters)" : shown;
    }

    /** Printable ASCII only, where the width of every character must be known. */
    public static String ascii(String text) {
        return replaced(text.replace("…", "..."), c -> c >= ' ' && c < 0x7f);
    }

    /** Printable ASCII is allowed everywhere, and is the usual case. */
    private static String replaced(String text, IntPredicate allowed) {
        if (isPrintableAscii(text)) {
            return text;
        }
        var replaced = new StringBuilder(text.length());
        text.codePoints().forEach(c -> replaced.appendCodePoint(allowed.test(c) ? c : '?'));
        return replaced.toString();
    }

    private static boolean isPrintableAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                return false;
            }
        }
        return true;
    }

    /**
     * False for control characters, except the tab, and for characters that move or hide text on a
     * terminal.
     */
    private static boolean isSafe(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL -> c == '\t';
            case Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.UNASSIGNED ->
                    false;
            default -> true;
        };
    }
}
