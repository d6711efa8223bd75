package hookqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsFilesTest {
    @TempDir Path folder;
    private Path environment;
    private Path dropIns;
    private SettingsFiles files;

    @BeforeEach
    void begin() throws Exception {
        environment = Files.writeString(folder.resolve("environment"), "NPBHQ_PARALLEL=1\n");
        dropIns = folder.resolve("unit.service.d");
        files =
                new SettingsFiles(
                        Map.of("NPBHQ_SETTINGS_FILES", environment + "  " + dropIns + " relative"));
        assertEquals(Optional.empty(), files.edited());
    }

    private void edited(Path file) {
        assertEquals(Optional.of(file.toString()), files.edited());
    }

    @Test
    void anEditedFileIsNamedUntilAnotherWorkerStarts() throws Exception {
        Files.writeString(environment, "NPBHQ_PARALLEL=12\n");
        edited(environment);
        edited(environment);
    }

    /** As editors do; the size stays the same. */
    @Test
    void aFileThatIsReplacedByAnotherIsNamed() throws Exception {
        Path aside = Files.writeString(folder.resolve("aside"), "NPBHQ_PARALLEL=2\n");
        Files.setLastModifiedTime(aside, Files.getLastModifiedTime(environment));
        Files.move(aside, environment, StandardCopyOption.REPLACE_EXISTING);
        edited(environment);
    }

    @Test
    void aNewDropInIsNamedAndOtherFilesBesideItAreNot() throws Exception {
        Files.createDirectories(dropIns);
        Files.writeString(dropIns.resolve("x.conf~"), "");
        assertEquals(Optional.empty(), files.edited());
        Path added = Files.writeString(dropIns.resolve("x.conf"), "[Service]\n");
        edited(added);
        Files.delete(added);
        assertEquals(Optional.empty(), files.edited());
    }

    @Test
    void aRemovedFileIsNamed() throws Exception {
        Files.delete(environment);
        edited(environment);
    }

    /** systemd-tmpfiles sets it at each boot, and ./dev install. */
    @Test
    void aChangedModeIsNoEdit() throws Exception {
        Files.setPosixFilePermissions(environment, PosixFilePermissions.fromString("rw-r-----"));
        assertEquals(Optional.empty(), files.edited());
    }

    @Test
    void withoutFilesNothingIsDue() {
        assertEquals(Optional.empty(), new SettingsFiles(Map.of()).edited());
    }
}
