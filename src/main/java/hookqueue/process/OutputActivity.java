package hookqueue.process;

import hookqueue.nix.Progress;
import java.util.HashSet;
import java.util.Set;

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
    /** Of distinct results, at least; twice as many at most. */
    private static final int REMEMBERED = 1_000;

    /** Nix writes the keys of a line in alphabetical order, without blanks. */
    private static final String RESULT = Progress.PREFIX + "{\"action\":\"result\"";

    /** The last results, and those before them. A repeated one moves to the first set. */
    private Set<String> recent = new HashSet<>();

    private Set<String> older = Set.of();

    boolean in(String line) {
        if (!line.startsWith(RESULT)) {
            return true;
        }
        if (!recent.add(line)) {
            return false;
        }
        boolean known = older.contains(line);
        if (recent.size() >= REMEMBERED) {
            older = recent;
            recent = new HashSet<>();
        }
        return !known;
    }
}
