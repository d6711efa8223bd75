package hookqueue.process;

import hookqueue.nix.Progress;
import java.util.LinkedHashSet;
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
    private static final int REMEMBERED = 1_000;

    private final Set<String> results = new LinkedHashSet<>();

    boolean in(String line) {
        if (!line.startsWith(Progress.PREFIX) || !line.contains("\"action\":\"result\"")) {
            return true;
        }
        boolean known = results.remove(line);
        results.add(
                line); // moves a repeated line to the end, so that it is the last to be forgotten
        if (results.size() > REMEMBERED) {
            results.remove(results.iterator().next());
        }
        return !known;
    }
}
