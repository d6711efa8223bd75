package hookqueue.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import hookqueue.base.SomePaths;
import hookqueue.base.StorePath;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExplainCommandTest {
    private final List<Integer> asked = new ArrayList<>();

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
