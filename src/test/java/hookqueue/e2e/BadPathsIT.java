package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three paths among fifty are bad, each in a different way: the others arrive, and each of the
 * three fails with its own reason.
 */
@Timeout(180)
class BadPathsIT {
    private static final int MOST_PROCESSES =
            22; // one for the batch, and O(log 50) for each of two

    private World scratch;
    private Path calls;
    private List<String> paths;
    private Path gone;
    private Path damaged;
    private Path refused;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        calls = scratch.dir.resolve("calls");
        Path nix =
                scratch.script(
                        "nix-counting",
                        "#!/bin/sh\ncase \"$*\" in *' copy '*) echo >> "
                                + calls
                                + ";; esac\nexec nix \"$@\"\n");
        scratch.set("NPBHQ_NIX", nix).set("NPBHQ_MAX_ATTEMPTS", "1");
        paths = scratch.build("many", 50);
        gone = Path.of(paths.get(7));
        damaged = Path.of(paths.get(23));
        refused = Path.of(paths.get(41));
        Files.delete(gone); // behind Nix's back: its database still has it
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    /** Queues all in one line, and returns the output of {@code failed} once all are settled. */
    private String failed() throws IOException, InterruptedException {
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(new World.Result(0, "", ""), scratch.hook(paths.toArray(String[]::new)));
            World.Result waited = scratch.client("wait", "timeout=90s");
            assertEquals(1, waited.status(), worker::log);
            String failed = scratch.client("failed").output();
            assertEquals(3, failed.lines().count(), failed);
            assertEquals(failed, waited.output(), "wait says it too");
            assertEquals(
                    "", scratch.client("list").output().replace(failed, ""), "no other is left");
            assertEquals(
                    List.of(gone, damaged, refused).stream()
                            .map(path -> path.getFileName().toString())
                            .sorted()
                            .toList(),
                    World.names(scratch.roots),
                    "what has failed keeps its root, for a retry");
            int processes = Files.readAllLines(calls).size();
            System.out.println("3 bad paths among 50 took " + processes + " nix copy processes");
            assertTrue(processes <= MOST_PROCESSES, processes + " processes: " + worker.log());
            assertEquals(0, worker.terminate());
            return failed;
        }
    }

    private static String lineOf(String text, Path path) {
        return text.lines()
                .filter(line -> line.contains("/" + path.getFileName() + " "))
                .findFirst()
                .orElse("");
    }

    @Test
    void sshdFindsTheDamage() throws Exception {
        try (var sshd = new Sshd(scratch)) {
            sshd.start();
            scratch.set("NPBHQ_UPLOAD_TO", sshd.url());
            Files.delete(damaged);
            Files.writeString(damaged, "mAny-23\n"); // like bit rot: the size is unchanged
            Path lock =
                    sshd.at(refused + ".lock"); // Nix takes a lock beside each path that it adds
            Files.createDirectories(lock);
            String failed = failed();
            assertTrue(lineOf(failed, gone).contains("no longer in the local store"), failed);
            assertTrue(lineOf(failed, damaged).contains("hash mismatch importing path"), failed);
            assertTrue(lineOf(failed, refused).contains(lock + "': Is a directory"), failed);
            assertEquals(47, paths.stream().filter(sshd::knows).count());

            // all is repaired, and an operator retries
            Files.delete(lock);
            Files.writeString(damaged, "many-23\n");
            Files.writeString(gone, "many-7\n");
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals(0, scratch.client("retry").status());
                assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
                assertTrue(paths.stream().allMatch(sshd::knows), worker::log);
                assertEquals(List.of(), World.names(scratch.roots));
            }
        }
    }

    @Test
    void atABinaryCacheInAFolder() throws Exception {
        Path cache = scratch.dir.resolve("cache-of-mine");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
        Files.delete(damaged);
        scratch.run("mkfifo", damaged.toString()); // Nix cannot archive a FIFO
        String narinfo = refused.getFileName().toString().substring(0, 32) + ".narinfo";
        Files.createDirectories(cache.resolve(narinfo).resolve("in-the-way"));
        String failed = failed();
        assertTrue(lineOf(failed, gone).contains("no longer in the local store"), failed);
        assertTrue(lineOf(failed, damaged).contains("unsupported type"), failed);
        assertTrue(lineOf(failed, refused).contains(narinfo), failed);
        paths.forEach(path -> {
            boolean bad = List.of(gone, damaged, refused).contains(Path.of(path));
            String name = Path.of(path).getFileName().toString().substring(0, 32) + ".narinfo";
            assertEquals(!bad, Files.isRegularFile(cache.resolve(name)), path);
        });
        assertFalse(failed.contains("attempts"), "one attempt is all that each of them had");
    }
}
