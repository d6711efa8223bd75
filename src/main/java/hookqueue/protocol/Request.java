package hookqueue.protocol;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One parsed line of the protocol; help.txt says what each request means. */
public sealed interface Request {
    /**
     * Queue these paths.
     *
     * @param refused the reason for each other word; empty after the first {@link #MOST_REASONS}
     */
    record Enqueue(List<StorePath> paths, List<String> refused, @Nullable String tag)
            implements Request {}

    record Status(boolean json) implements Request {}

    record Listing(boolean json) implements Request {}

    record Failures(boolean json) implements Request {}

    /** Answer when these paths are settled; without them, those with the tag; without it, all. */
    record Wait(@Nullable Duration timeout, @Nullable String tag, List<StorePath> paths)
            implements Request {}

    /** Report progress until the queue is empty, for {@link Form#BARS} on a screen. */
    record Watch(Form form, Screen screen) implements Request {
        /** With a terminal of the usual size. */
        public Watch(Form form) {
            this(form, Screen.USUAL);
        }

        /** The form of the report. */
        public enum Form {
            /** One line for people, whenever it changes. */
            TEXT,
            /** A JSON object a line. */
            JSON,
            /** Progress bars for a terminal. */
            BARS
        }
    }

    /**
     * The terminal of a client that shows progress bars.
     *
     * @param columns 20 to 1,000
     * @param rows 2 to 1,000
     * @param since where the watching began, as the worker said it, or empty for now
     */
    record Screen(int columns, int rows, String since) {
        static final Screen USUAL = new Screen(80, 24, "");
        private static final Pattern SIZE = Pattern.compile("([0-9]{1,4})x([0-9]{1,4})");

        static Screen parse(List<String> words) {
            var size = SIZE.matcher(words.getFirst());
            if (!size.matches() || words.size() > 2) {
                throw new IllegalArgumentException(
                        "watch bars takes COLUMNSxROWS and where it began, not: "
                                + Text.quoted(String.join(" ", words)));
            }
            return new Screen(
                    Math.clamp(Integer.parseInt(size.group(1)), 20, 1_000),
                    Math.clamp(Integer.parseInt(size.group(2)), 2, 1_000),
                    words.size() == 2 ? words.get(1) : "");
        }
    }

    /** Ask every destination for these paths; without paths, for all remembered deliveries. */
    record Verify(List<StorePath> paths) implements Request {}

    /** Check the installation, and perhaps send a small path to each destination. */
    record Check(boolean upload) implements Request {}

    /** List remembered deliveries: of these paths, or all. */
    record History(boolean json, List<StorePath> paths) implements Request {}

    /** Changes queued paths, or whether they are uploaded: only operators may. */
    sealed interface Operation extends Request {}

    /** Make these paths due now; without paths, all failed and deferred ones. */
    record Retry(List<StorePath> paths) implements Operation {}

    record Drop(List<StorePath> paths) implements Operation {}

    /** Forget all that a destination still has to get. */
    record DropDestination(String name) implements Operation {}

    record Pause(@Nullable Duration time) implements Operation {}

    record Resume() implements Operation {}

    /** Restart when no copy runs; the next worker reads the settings. */
    record Reload() implements Operation {}

    record Explain(StorePath path) implements Request {}

    record Metrics() implements Request {}

    record Help() implements Request {}

    record Version() implements Request {}

    /** An invalid line, and the reason. */
    record Bad(String reason) implements Request {}

    /** The most reasons in the reply to a line with many invalid words. */
    int MOST_REASONS = 100;

    /** What a destination's name follows. */
    String DESTINATION = "destination=";

    /** The rule for tags. */
    Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}");

    /** Whether it holds a connection for long. */
    default boolean isSlow() {
        return this instanceof Wait
                || this instanceof Watch
                || this instanceof Explain
                || this instanceof Verify
                || this instanceof Check;
    }

    /** Parses one line, without its line end. Never throws: an invalid line becomes {@link Bad}. */
    static Request parse(String storeDir, String line) {
        return new RequestParser(storeDir).parse(line);
    }
}
