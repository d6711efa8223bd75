package hookqueue.nix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recorded output of real Nix, with the store directory replaced by /nix/store. */
class PathInfoTest {
    /** b, built here, needs a, built here and signed with k-1; "source" was added by hand. */
    @ParameterizedTest
    @ValueSource(strings = {"2.8.0", "2.26.3", "2.34.8"})
    void readsClosure(String version) throws IOException {
        Map<String, PathInfo> closure = recorded("closure", version);
        assertEquals(Set.of("a", "b", "source"), closure.keySet());
        PathInfo a = Objects.requireNonNull(closure.get("a"));
        PathInfo b = Objects.requireNonNull(closure.get("b"));
        PathInfo source = Objects.requireNonNull(closure.get("source"));
        assertTrue(a.ultimate());
        assertEquals(Set.of("k-1"), a.keys());
        assertEquals(120, a.narSize());
        assertEquals(List.of(), a.references());
        assertTrue(b.ultimate());
        assertEquals(Set.of(), b.keys());
        assertEquals(List.of(a.path()), b.references());
        assertFalse(source.ultimate());
        assertTrue(b.needsTrust());
        assertFalse(a.needsTrust());
        assertFalse(source.needsTrust());
        assertTrue(source.contentAddressed());
        assertFalse(b.contentAddressed());
        assertEquals(376, source.narSize());
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.8.0", "2.26.3", "2.34.8"})
    void leavesOutMissingPaths(String version) throws IOException {
        assertEquals(Set.of("b"), recorded("missing", version).keySet());
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.8.0", "2.26.3", "2.34.8"})
    void readsDerivations(String version) throws IOException {
        Map<String, PathInfo> derivations = recorded("derivation", version);
        assertEquals(Set.of("a.drv", "b.drv", "foreign.drv"), derivations.keySet());
        assertTrue(derivations.values().stream().noneMatch(PathInfo::ultimate));
    }

    @Test
    void emptyAnswersHaveNoPaths() throws IOException {
        assertEquals(List.of(), read("[]"));
        assertEquals(List.of(), read("{}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "7",
                "[",
                "{\"/nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-hello\":{\"narSize\":1",
                "{\"/elsewhere/7hx47qyrz4065viqzzhdqi5jixgjys0z-hello\":{}}",
                "[{\"narSize\":1}]",
                "[{\"path\":\"/nix/store/short\"}]",
                "[{\"path\":\"/nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-hello\",\"narSize\":\"x\"}]"
            })
    void otherTextIsAnError(String text) {
        assertThrows(IOException.class, () -> read(text));
    }

    private static List<PathInfo> read(String json) throws IOException {
        var found = new ArrayList<PathInfo>();
        PathInfo.read(new StringReader(json), "/nix/store", found::add);
        return found;
    }

    private static Map<String, PathInfo> recorded(String what, String version) throws IOException {
        var found = new ArrayList<PathInfo>();
        String name = "path-info-" + what + "-" + version + ".json";
        try (InputStream in =
                Objects.requireNonNull(PathInfoTest.class.getResourceAsStream(name), name)) {
            var reader = new InputStreamReader(in, StandardCharsets.UTF_8);
            PathInfo.read(reader, "/nix/store", found::add);
        }
        return found.stream()
                .collect(Collectors.toMap(info -> info.path().name(), Function.identity()));
    }
}
