package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A queue that is larger than the worker's memory, after a kill of the previous worker. The next
 * worker must check all rows. If its memory did not suffice, no worker could ever start again.
 */
@Timeout(180)
class LongQueueIT {
    private static final int PATHS = 100_000;

    /** A third of the installed heap; a list of this many paths takes 10 MB. */
    private static final String SMALL = "-Xmx14m";

    private static final Pattern COUNTS = Pattern.compile("\"queued\":(\\d+),\"failed\":(\\d+)");

    private World scratch;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("false"));
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("ok", ask("status"));
            assertTrue(ask("pause").startsWith("ok"));
            assertEquals(0, worker.terminate());
        }
        try (var c =
                        DriverManager.getConnection(
                                "jdbc:sqlite:" + scratch.state.resolve("queue.sqlite"),
                                new Properties());
                var s = c.createStatement()) {
            s.execute(
                    "INSERT INTO path (id, name, queued_at) WITH RECURSIVE n(i) AS"
                            + " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                            + PATHS
                            + ") SELECT i, printf('%032d-package', i), 0 FROM n");
            s.execute(
                    "INSERT INTO delivery (path, lane, state, changed_at) SELECT id, 1, 1, 0 FROM path");
            s.execute("UPDATE meta SET value = '0' WHERE key = 'clean'");
        }
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    private String ask(String line) throws Exception {
        try (var client = new OtherClient(scratch.socket)) {
            client.send(line + "\n");
            String last = client.line();
            while (last != null && !last.startsWith("ok") && !last.startsWith("error")) {
                last = client.line();
            }
            return String.valueOf(last);
        }
    }

    /** Paths that are queued or have failed. */
    private long unsettled() throws Exception {
        try (var client = new OtherClient(scratch.socket)) {
            String status = client.send("status json\n").line();
            Matcher found = COUNTS.matcher(status);
            assertTrue(found.find(), status);
            return Long.parseLong(found.group(1)) + Long.parseLong(found.group(2));
        }
    }

    private long roots() throws Exception {
        try (Stream<Path> all = Files.list(scratch.roots)) {
            return all.count();
        }
    }

    @Test
    void rootsAreComparedAndRecoveredInLittleMemory() throws Exception {
        try (WorkerProcess worker = WorkerProcess.listen(scratch, List.of(), SMALL)) {
            assertEquals("ok", ask("status"), worker::log);
            assertEquals(PATHS, unsettled());
            assertEquals(PATHS, roots());
            worker.kill();
        }
        Files.delete(scratch.state.resolve("queue.sqlite"));
        Files.deleteIfExists(scratch.state.resolve("queue.sqlite-wal"));
        try (WorkerProcess worker = WorkerProcess.listen(scratch, List.of(), SMALL)) {
            assertEquals("ok", ask("status"), worker::log);
            assertEquals(PATHS, unsettled());
            assertEquals(PATHS, roots());
        }
    }
}
