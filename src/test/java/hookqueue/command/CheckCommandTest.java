package hookqueue.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.check.Installation;
import hookqueue.delivery.Destination;
import hookqueue.nix.Nix;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.report.Overview;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How checks end whose children do not, with a script in the place of Nix. */
@Timeout(60)
class CheckCommandTest {
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Overview NOTHING =
            new Overview(
                    Instant.EPOCH,
                    List.of(),
                    Map.of(),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(
                            new Overview.Problem("one thing", "do this"),
                            new Overview.Problem("another", "do that")),
                    List.of(),
                    Optional.empty());

    @TempDir private Path folder;
    private final List<String> lines = new ArrayList<>();

    /** A client that reads everything. */
    private class Reading implements Reply {
        @Override
        public void data(String line) {
            lines.add(line);
        }

        @Override
        public void flush() throws IOException {}
    }

    private CheckCommand command(String nix, Duration silence, Duration most) throws IOException {
        Path file = Files.writeString(folder.resolve("nix"), "#!/bin/sh\n" + nix + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return new CheckCommand(
                new Installation(
                        Map.of(),
                        null,
                        List.of(new Installation.Target(Destination.parse("a=http://h"), false)),
                        folder,
                        folder,
                        null,
                        new Nix(file.toString(), "/nix/store"),
                        List.of()),
                silence,
                most);
    }

    @Test
    void silentChildIsStoppedAndReportedAsNoProgress() throws Exception {
        var command = command("exec sleep 600", Duration.ofMillis(300), LONG);
        String last = command.answer(new Request.Check(false), NOTHING, new Reading());
        assertTrue(last.matches("error [0-9]+ of [0-9]+ checks failed.*"), last);
        assertTrue(
                lines.contains("FAIL  destination a: no progress for 300ms, so it was ended"),
                lines::toString);
        assertFalse(Files.exists(folder.resolve("cache/check")), "the scratch folder is deleted");
    }

    @Test
    void childrenThatKeepPrintingStopAtTheTimeLimit() throws Exception {
        var command =
                command(
                        "while :; do echo $((i += 1)); sleep 0.1; done",
                        LONG,
                        Duration.ofSeconds(1));
        String last = command.answer(new Request.Check(false), NOTHING, new Reading());
        assertTrue(last.startsWith("error "), last);
        assertTrue(lines.contains("FAIL  destination a: no answer in time"), lines::toString);
    }

    @Test
    void checksStopWhenTheClientDisconnects() throws Exception {
        var command = command("exec sleep 600", LONG, LONG);
        var gone =
                new Reading() {
                    @Override
                    public void flush() throws IOException {
                        throw new IOException("gone");
                    }
                };
        assertThrows(
                IOException.class, () -> command.answer(new Request.Check(false), NOTHING, gone));
        assertFalse(Files.exists(folder.resolve("cache/check")));
    }

    @Test
    void queueProblemsBecomeWarnings() throws Exception {
        var command = command("exit 1", LONG, LONG);
        String last = command.answer(new Request.Check(false), NOTHING, new Reading());
        int at = lines.indexOf("warn  queue: one thing");
        assertEquals(
                List.of(
                        "warn  queue: one thing",
                        "      fix: do this",
                        "warn  queue: another",
                        "      fix: do that"),
                lines.subList(at, at + 4));
        assertTrue(last.contains(" warnings"), last);
    }

    @Test
    void unwritableStateDirectoryIsAFailure() throws Exception {
        Files.writeString(folder.resolve("cache"), "in the way");
        var command = command("exit 1", LONG, LONG);
        assertEquals(
                "error 1 of 1 checks failed; no other check was run",
                command.answer(new Request.Check(false), NOTHING, new Reading()));
        assertEquals(
                "FAIL  state directory: nothing can be written to " + folder, lines.getFirst());
    }
}
