package hookqueue.base;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.base.SomePaths.rule;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FiltersTest {
    private static final Filters TWO =
            new Filters(
                    new Filter(null, rule("NPBHQ_EXCLUDE", "p[12]$")),
                    List.of("home", "office"),
                    Map.of("office", new Filter(null, rule("NPBHQ_EXCLUDE_office", "p[13]$"))));

    @Test
    void aPathIsExcludedOnlyIfEveryDestinationExcludesIt() {
        assertFalse(TWO.anyTakes(path(1)));
        assertTrue(TWO.anyTakes(path(2)));
        assertTrue(TWO.anyTakes(path(3)));
        var selection = TWO.select(paths(1, 5));
        assertEquals(paths(2, 5), selection.taken());
        assertEquals(paths(1, 2), selection.excluded());
        assertEquals(
                Map.of(path(2), Set.of("home"), path(3), Set.of("office")), selection.except());
    }

    @Test
    void theCommonFilterIsForPathsThatAreOnlySigned() {
        var signed = Filters.of(new Filter(null, rule("NPBHQ_EXCLUDE", "p1$")));
        assertFalse(signed.anyTakes(path(1)));
        assertEquals(paths(2, 4), signed.select(paths(1, 4)).taken());
        assertEquals(Map.of(), signed.select(paths(1, 4)).except());
    }
}
