package hookqueue.process;

import hookqueue.nix.Progress;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Tells which lines of a child's output show that it moves. Nix says ten times a second how far
 * each transfer is, also when none moves: a result that was said before in the same words shows
 * nothing. Any other line does.
 *
 * <p>Such a transfer that stands still for ever is, for example, an upload that Nix 2.8 tries again
 * after the server has answered 503: it sends the second request without its body, and waits for
 * the answer.
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
        results.add(line); // the last one again, so that it is the last to be forgotten
        if (results.size() > REMEMBERED) {
            results.remove(results.iterator().next());
        }
        return !known;
    }
}
