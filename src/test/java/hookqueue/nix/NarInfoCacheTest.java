package hookqueue.nix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NarInfoCacheTest {
    @TempDir private Path home;

    @Test
    void itDeletesTheAnswersOfBinaryCachesAndNothingElse() throws Exception {
        assertTrue(new NarInfoCache(home).forget(), "there is none yet");
        Path folder = Files.createDirectory(home.resolve("nix"));
        for (String name :
                List.of(
                        "binary-cache-v6.sqlite",
                        "binary-cache-v6.sqlite-journal",
                        "binary-cache-v7.sqlite-wal",
                        "fetcher-cache-v2.sqlite")) {
            Files.createFile(folder.resolve(name));
        }
        assertTrue(new NarInfoCache(home).forget());
        assertEquals(List.of("fetcher-cache-v2.sqlite"), World.names(folder));
    }

    @Test
    void itTellsWhenSomethingIsLeft() throws Exception {
        Files.createFile(
                Files.createDirectories(home.resolve("nix/binary-cache-v6.sqlite")).resolve("x"));
        assertFalse(new NarInfoCache(home).forget());
    }
}
