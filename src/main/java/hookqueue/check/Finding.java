package hookqueue.check;

import hookqueue.base.Text;
import java.util.ArrayList;
import java.util.List;

/**
 * What a check has found.
 *
 * @param subject what was checked, such as {@code signing key}
 * @param fix what an operator can do about it, in lines; a command has a line of its own
 */
public record Finding(Level level, String subject, String text, List<String> fix) {
    /** How bad a finding is. */
    public enum Level {
        /** As it should be. */
        PASS("pass"),
        /** A hint, which counts as no check. */
        NOTE("note"),
        /** It works, but not as well as it could, or not for sure. */
        WARN("warn"),
        /** Deliveries cannot work. */
        FAIL("FAIL");

        private final String word;

        Level(String word) {
            this.word = word;
        }
    }

    public Finding {
        text = Text.oneLine(text);
    }

    static Finding pass(String subject, String text) {
        return new Finding(Level.PASS, subject, text, List.of());
    }

    static Finding note(String subject, String text) {
        return new Finding(Level.NOTE, subject, text, List.of());
    }

    /** A warning, with the way out. */
    public static Finding warn(String subject, String text, String... fix) {
        return new Finding(Level.WARN, subject, text, List.of(fix));
    }

    /** A failure, with the way out. */
    public static Finding fail(String subject, String text, String... fix) {
        return new Finding(Level.FAIL, subject, text, List.of(fix));
    }

    /** For a terminal: {@code FAIL SUBJECT: TEXT}, and the fix below it. */
    public List<String> lines() {
        var lines = new ArrayList<String>();
        lines.add(level.word + "  " + subject + ": " + text);
        String head = "      fix: ";
        for (String line : fix) {
            lines.add(head + line);
            head = "           ";
        }
        return lines;
    }
}
