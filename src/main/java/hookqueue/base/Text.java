package hookqueue.base;

import java.util.regex.Pattern;

/**
 * Text of other programs, fit for a log and a terminal: no escape sequences, no control characters
 * but line ends.
 */
public final class Text {
    private static final Pattern ESCAPES =
            Pattern.compile(
                    "\u001b\\[[0-?]*[ -/]*[@-~]|\u001b\\][^\u0007\u001b]*(\u0007|\u001b\\\\)?|\u001b.");
    private static final Pattern CONTROLS =
            Pattern.compile("[\\p{Cntrl}\u0080-\u009f&&[^\n\t]]|[\\p{Cf}\u2028\u2029]");

    private Text() {}

    /** Escape sequences removed, control characters replaced by question marks. */
    public static String text(String text) {
        return CONTROLS.matcher(ESCAPES.matcher(text).replaceAll("")).replaceAll("?");
    }

    /** The lines of a text in one, for a log or a reply. */
    public static String oneLine(String text) {
        return text.replace("\n", " | ");
    }
}
