package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.queue.Fixture.STORE;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;

import hookqueue.base.Filters;
import hookqueue.base.SomePaths;
import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.protocol.Reply;
import hookqueue.queue.Breaker;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplainCommandTest {
    private static final StorePath PATH = path(7);
    private static final String RETRY = "to try again now: nix-post-build-hook-queue retry ";

    @TempDir Path folder;
    private final List<Integer> asked = new ArrayList<>();

    /** The lines about the deliveries and their next try; the path is not in the local store. */
    private static List<String> explained(Fixture f, Queue queue, StorePath path) throws Exception {
        var lines = new ArrayList<String>();
        var explain =
                new ExplainCommand(
                        queue,
                        List.of(),
                        Filters.ALL,
                        new Nix("nix", STORE),
                        new ChildProcess(Duration.ofSeconds(10)),
                        Map.of(),
                        f.clock);
        var reply =
                new Reply() {
                    @Override
                    public void data(String line) {
                        lines.add(line);
                    }

                    @Override
                    public void flush() {}
                };
        assertEquals("ok", explain.answer(path, reply));
        assertEquals(
                List.of("filters: accepted, no filter is set", "not in the local store"),
                lines.subList(lines.size() - 2, lines.size()));
        return lines.subList(0, lines.size() - 2);
    }

    private static void down(Queue queue, String lane, Breaker breaker) throws Exception {
        queue.call(transaction -> {
            transaction.lane(lane).breaker(breaker);
            return true;
        });
    }

    @Test
    void saysWhenADeferredPathIsTriedAgainAndHowToTryItNow() throws Exception {
        var f = new Fixture(folder);
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, List.of(PATH), null);
            f.defer(queue, "ssh://a", PATH, 90_000);
            String row = PATH.in(STORE) + "  ssh://";
            assertEquals(
                    List.of(
                            row + "a  deferred, next try in 1min 30s: later",
                            row + "b  queued",
                            RETRY + PATH.in(STORE)),
                    explained(f, queue, PATH));
            f.now = f.now.plusSeconds(91);
            assertEquals(
                    row + "a  deferred, next try now: later", explained(f, queue, PATH).getFirst());
        }
    }

    @Test
    void aFailedPathIsTriedAgainOnlyOnRequest() throws Exception {
        var f = new Fixture(folder);
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, List.of(PATH), null);
            f.deliver(queue, "ssh://b", PATH);
            f.fail(queue, "ssh://a", PATH, "hash mismatch");
            assertEquals(
                    List.of(
                            PATH.in(STORE) + "  ssh://a  failed, 3 attempts: hash mismatch",
                            RETRY + PATH.in(STORE)),
                    explained(f, queue, PATH));
        }
    }

    @Test
    void aPathThatFailedAtARemovedDestinationIsNotTriedAgain() throws Exception {
        var f = new Fixture(folder);
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, List.of(PATH), null);
            f.fail(queue, "ssh://a", PATH, "hash mismatch");
        }
        try (Queue queue = f.open(List.of("ssh://b"))) {
            assertEquals(
                    List.of(
                            PATH.in(STORE)
                                    + "  ssh://a  failed (lane removed from the settings),"
                                    + " 3 attempts: hash mismatch",
                            PATH.in(STORE) + "  ssh://b  queued"),
                    explained(f, queue, PATH));
        }
    }

    @Test
    void saysWhenADestinationThatIsDownIsTriedAgainToPathsThatWaitForIt() throws Exception {
        var f = new Fixture(folder);
        try (Queue queue = f.open(TWO)) {
            StorePath other = path(8);
            f.enqueue(queue, List.of(PATH, other), null);
            f.deliver(queue, "ssh://a", other);
            long now = f.clock.millis();
            down(queue, "ssh://a", new Breaker(3, now + 60_000, now - 60_000, "refused"));
            assertEquals(
                    List.of(
                            PATH.in(STORE) + "  ssh://a  queued",
                            PATH.in(STORE) + "  ssh://b  queued",
                            "ssh://a is down since 2026-03-01T11:59:00Z,"
                                    + " next try 2026-03-01T12:01:00Z: refused",
                            "to try it now: nix-post-build-hook-queue retry"),
                    explained(f, queue, PATH));
            assertEquals(
                    List.of(other.in(STORE) + "  ssh://b  queued"), explained(f, queue, other));
        }
    }

    private List<StorePath> firstKnown(List<StorePath> candidates, List<StorePath> known)
            throws Exception {
        var set = new HashSet<>(known);
        return ExplainCommand.firstKnown(
                candidates,
                page -> {
                    asked.add(page.size());
                    return page.stream().filter(set::contains).toList();
                });
    }

    @Test
    void asksNixForAPageAtATimeInsteadOfForEachPath() throws Exception {
        List<StorePath> candidates = SomePaths.paths(0, ExplainCommand.MOST_CHECKED);
        assertEquals(
                List.of(candidates.getLast()),
                firstKnown(candidates, List.of(candidates.getLast())));
        assertEquals(40, asked.size());
        assertEquals(List.of(250), asked.stream().distinct().toList());
    }

    @Test
    void stopsWhenItHasEnoughPathsToShow() throws Exception {
        List<StorePath> candidates = SomePaths.paths(0, 1_030);
        assertEquals(
                SomePaths.paths(240, 260),
                firstKnown(candidates, SomePaths.paths(240, 900)),
                "the first twenty, in order");
        assertEquals(List.of(250, 250), asked);
    }

    @Test
    void theLastPageMayBeShort() throws Exception {
        assertEquals(List.of(), firstKnown(SomePaths.paths(0, 251), List.of()));
        assertEquals(List.of(250, 1), asked);
        assertEquals(List.of(), firstKnown(List.of(), List.of()));
    }
}
