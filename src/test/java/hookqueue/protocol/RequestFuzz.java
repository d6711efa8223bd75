package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Invariants for every line: no exception, a sanitized reason for each refused word, every word
 * accounted for, and a parsed request that is written again parses to the same request. {@code
 * ./dev fuzz} searches for lines that violate this.
 */
final class RequestFuzz {
    static final String STORE = "/nix/store";

    /** Longer than any reason, because values are shortened to 120 characters. */
    private static final int LONGEST_REASON = 300;

    private RequestFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        String line = new String(data, StandardCharsets.UTF_8).replace('\n', ' ');
        Request request = Request.parse(STORE, line);
        switch (request) {
            case Request.Bad(String reason) -> plain(reason);
            case Request.Enqueue enqueue -> accountedFor(line, enqueue);
            case Request.Wait(Duration timeout, String tag, List<StorePath> paths) -> {
                assertTrue(timeout == null || !timeout.isNegative(), line);
                assertTrue(tag == null || paths.isEmpty(), line);
            }
            case Request.Pause(Duration time) ->
                    assertTrue(time == null || time.isPositive(), line);
            default -> assertFalse(line.isBlank(), request::toString);
        }
        String again = written(request);
        if (again != null) {
            assertEquals(request, Request.parse(STORE, again), line);
        }
    }

    private static void plain(String reason) {
        assertFalse(reason.isBlank());
        assertTrue(reason.length() <= LONGEST_REASON, reason);
        assertTrue(reason.codePoints().noneMatch(Character::isISOControl), reason);
    }

    private static void accountedFor(String line, Request.Enqueue enqueue) {
        var words =
                new ArrayList<>(
                        Arrays.stream(line.split("[ \t\r]+"))
                                .filter(word -> !word.isEmpty())
                                .toList());
        if (!words.isEmpty() && words.getFirst().equals("queue")) {
            words.removeFirst();
            assertEquals(enqueue.tag() != null, words.getFirst().startsWith("tag="), line);
            if (enqueue.tag() != null) {
                assertEquals("tag=" + enqueue.tag(), words.removeFirst());
            }
        }
        assertEquals(words.size(), enqueue.paths().size() + enqueue.refused().size(), line);
        List<String> paths = enqueue.paths().stream().map(path -> path.in(STORE)).toList();
        var others = new ArrayList<>(words);
        paths.forEach(path -> assertTrue(others.remove(path), path));
        assertEquals(
                words.stream().filter(paths::contains).toList(), paths, "in the order of the line");
        enqueue.refused().stream().limit(Request.MOST_REASONS).forEach(RequestFuzz::plain);
    }

    /** The shortest line for a request; null if it has none. */
    private static String written(Request request) {
        return switch (request) {
            case Request.Enqueue(List<StorePath> paths, List<String> refused, String tag) ->
                    !refused.isEmpty() || paths.isEmpty()
                            ? null
                            : (tag == null ? "" : "queue tag=" + tag) + text(paths);
            case Request.Wait(Duration timeout, String tag, List<StorePath> paths) ->
                    "wait"
                            + (timeout == null ? "" : " timeout=" + timeout.toMillis() + "ms")
                            + (tag == null ? "" : " tag=" + tag)
                            + text(paths);
            case Request.Pause(Duration time) ->
                    "pause" + (time == null ? "" : " " + time.toMillis() + "ms");
            case Request.Retry(List<StorePath> paths) -> "retry" + text(paths);
            case Request.History(boolean json, List<StorePath> paths) ->
                    "history" + (json ? " json" : "") + text(paths);
            case Request.Verify(List<StorePath> paths) -> "verify" + text(paths);
            case Request.Drop(List<StorePath> paths) -> "drop" + text(paths);
            case Request.DropDestination(String name) -> "drop destination=" + name;
            case Request.Explain(StorePath path) -> "explain " + path.in(STORE);
            default -> null;
        };
    }

    private static String text(List<StorePath> paths) {
        return paths.stream().map(path -> " " + path.in(STORE)).collect(Collectors.joining());
    }
}
