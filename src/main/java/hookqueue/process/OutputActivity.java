package hookqueue.process;

import hookqueue.nix.Progress;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Decides which lines of a child's output are signs of life. Nix reports ten times a second how far
 * each transfer is, even if none moves. So a repeated result is no sign of life. Any other line is.
 *
 * <p>One cause of a stuck transfer: Nix 2.8 retries an upload after the server has answered 503,
 * sends the second request without its body, and waits for the answer.
 *
 * <p>For one thread.
 */
final class OutputActivity {
    /** The number of distinct results. */
    private static final int REMEMBERED = 1_000;

    /** Nix writes the keys of a line in alphabetical order, without blanks. */
    private static final String RESULT = Progress.PREFIX + "{\"action\":\"result\"";

    /** The last results, in the order in which they were last written. */
    private final Map<String, Boolean> recent =
            new LinkedHashMap<>(16, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                    return size() > REMEMBERED;
                }
            };

    boolean in(String line) {
        return !line.startsWith(RESULT) || recent.put(line, true) == null;
    }
}
