package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real sshd as destination, with an outage in the middle. */
@Timeout(180)
class OutageIT {
    @Test
    void pathsArriveThroughARealSshd() throws Exception {
        try (var scratch = new World();
                var sshd = new Sshd(scratch)) {
            sshd.start();
            scratch.signing();
            scratch.set("NPBHQ_UPLOAD_TO", sshd.url());
            List<String> paths = scratch.build("ssh", 5);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
                paths.forEach(path -> assertTrue(sshd.has(path), path));
            }
        }
    }

    @Test
    void anOutageUsesUpNoAttemptAndStopsNoOtherDestination() throws Exception {
        try (var scratch = new World();
                var sshd = new Sshd(scratch)) {
            Path cache = scratch.dir.resolve("cache-of-mine");
            scratch.set("NPBHQ_UPLOAD_TO", sshd.url() + " file://" + cache)
                    .set("NPBHQ_BATCH_SIZE", "10");
            List<String> paths = scratch.build("outage", 100);
            sshd.start();
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals(
                        "", scratch.hook(paths.subList(0, 60).toArray(String[]::new)).errors());
                World.eventually(
                        Duration.ofSeconds(60),
                        "the upload is in the middle",
                        () -> sshd.has(paths.get(15)));
                sshd.stop();
                World.eventually(
                        Duration.ofSeconds(60),
                        "it is found down",
                        () -> worker.log().contains(sshd.url() + ": down since"));
                for (String path : paths.subList(60, 100)) {
                    assertEquals("", scratch.hook(path).errors());
                }
                World.eventually(
                        Duration.ofSeconds(60),
                        "the other destination goes on",
                        () -> paths.stream().allMatch(path -> World.has(cache, path)));
                assertFalse(worker.log().contains("file://" + cache + ": down"), worker::log);
                World.eventually(
                        Duration.ofSeconds(60),
                        "it is tried again in vain",
                        () -> worker.log().split("127.0.0.1: down since", -1).length > 2);
                assertFalse(
                        scratch.client("list", "json").output().contains("\"attempts\":1"),
                        "nobody is blamed");
                sshd.start();
                assertEquals(0, scratch.client("wait", "timeout=90s").status(), worker::log);
                paths.forEach(path -> assertTrue(sshd.has(path), path));
                assertTrue(worker.log().contains(sshd.url() + ": works again"), worker::log);
                assertFalse(worker.log().contains("(attempt "), worker::log);
                assertEquals("", scratch.client("failed").output());
                assertEquals(List.of(), World.names(scratch.roots));
            }
            assertTrue(Files.exists(cache));
        }
    }
}
