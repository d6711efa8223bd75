package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A worker that restarts for new settings, and settings of single destinations. */
@Timeout(120)
class ReloadIT {
    private World scratch;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    /** A program that notes its paths in a file of its name, once the file "go" is there. */
    private String program(String name) throws Exception {
        Path program = scratch.dir.resolve(name);
        Path go = scratch.dir.resolve("go");
        Files.writeString(
                program,
                "#!/bin/sh\necho \"$@\" >>"
                        + program
                        + ".began\nwhile ! [ -e "
                        + go
                        + " ]; do sleep 0.05; done\necho \"$@\" >>"
                        + program
                        + ".took\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return "exec:" + program;
    }

    private List<String> noted(String file) {
        return World.text(scratch.dir.resolve(file)).lines().toList();
    }

    private String path(String name) throws Exception {
        Path path = scratch.store.resolve("7hx47qyrz4065viqzzhdqi5jixgjys0z-" + name);
        if (!Files.exists(path)) {
            Files.createFile(path);
        }
        return path.toString();
    }

    private void awaitNoted(WorkerProcess worker, String file) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (noted(file).isEmpty()) {
            assertTrue(System.nanoTime() < end, worker::log);
            Thread.sleep(20);
        }
    }

    @Test
    void aRunningCopySurvivesAReloadAndNoneStartsBeforeTheNextWorker() throws Exception {
        scratch.set("NPBHQ_UPLOAD_TO", "slow=" + program("slow"));
        String first = path("first");
        String second = path("second");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("ok queued 1", worker.ask(first));
            awaitNoted(worker, "slow.began");
            assertEquals("ok restart due: waits for 1 running copy", worker.ask("reload"));
            assertEquals("ok queued 1", worker.ask(second), "it takes paths in");
            List<String> status = worker.lines("status");
            assertTrue(
                    status.contains(
                            "restart due: waits for 1 running copy; no new batch starts before"),
                    status::toString);
            Files.createFile(scratch.dir.resolve("go"));
            assertEquals(75, worker.exit(Duration.ofSeconds(30)));
            assertTrue(
                    worker.log().contains("exits: restarts with new settings; delivered 1 to slow"),
                    worker::log);
        }
        assertEquals(List.of(first), noted("slow.took"));
        try (WorkerProcess next = WorkerProcess.listen(scratch)) {
            assertEquals("ok", next.ask("wait timeout=30s"), next::log);
            assertEquals(0, next.terminate());
        }
        assertEquals(List.of(first, second), noted("slow.took"));
    }

    @Test
    void aReloadWithoutWorkRestartsAtOnce() throws Exception {
        scratch.set("NPBHQ_UPLOAD_TO", program("fast"));
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            var answer = scratch.client("reload");
            assertEquals(0, answer.status(), worker::log);
            assertEquals(75, worker.exit(Duration.ofSeconds(30)));
        }
    }

    @Test
    void statusSaysThatARestartIsDueOnceTheSettingsWereEdited() throws Exception {
        Path settings = Files.createFile(scratch.dir.resolve("environment"));
        scratch.set("NPBHQ_UPLOAD_TO", program("fast")).set("NPBHQ_SETTINGS_FILES", settings);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertFalse(String.join("\n", worker.lines("status")).contains("restart"));
            Files.writeString(settings, "NPBHQ_PARALLEL=1\n");
            List<String> status = worker.lines("status");
            assertTrue(
                    status.contains("restart due: " + settings + " was edited"), status::toString);
            assertTrue(
                    status.contains("    restart:    systemctl reload nix-post-build-hook-queue"),
                    status::toString);
            assertEquals(0, worker.terminate());
        }
    }

    @Test
    void aDestinationsOwnFilterAndBatchSizeAreInForce() throws Exception {
        Files.createFile(scratch.dir.resolve("go"));
        scratch.set("NPBHQ_UPLOAD_TO", "home=" + program("home") + " office=" + program("office"))
                .set("NPBHQ_EXCLUDE_office", "^large")
                .set("NPBHQ_BATCH_SIZE_office", "1")
                .set("NPBHQ_PARALLEL_office", "1")
                .set("NPBHQ_PARALLEL_home", "1");
        String large = path("large");
        String some = path("a") + " " + path("b") + " " + path("c");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertTrue(worker.ask("pause").startsWith("ok"));
            assertEquals("ok queued 4", worker.ask(some + " " + large));
            assertEquals("ok resumed", worker.ask("resume"));
            assertEquals("ok", worker.ask("wait timeout=30s"), worker::log);
            assertEquals(0, worker.terminate());
        }
        assertEquals(3, noted("office.took").size(), "one process for each path");
        assertFalse(String.join(" ", noted("office.took")).contains(large));
        assertTrue(noted("home.took").size() < 4, "several paths at a time");
        assertTrue(String.join(" ", noted("home.took")).contains(large));
    }
}
