package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code kill -9} of the worker at every step of a path's way through it: strace kills it exactly
 * at the entry of a system call. Rooted paths then survive a garbage collection, and all paths
 * arrive after the restart.
 */
@Timeout(120)
class KillPointIT {
    private static World scratch;
    private static Path cache;

    /** The steps in order; each begins with a system call. */
    enum Step {
        THE_LINE_IS_READ("pwrite64", 1, "queue.sqlite-wal", false, false),
        HALF_OF_THE_TRANSACTION_IS_WRITTEN("pwrite64", 6, "queue.sqlite-wal", false, false),
        THE_TRANSACTION_IS_WRITTEN_BUT_NOT_SYNCED("fsync", 1, "queue.sqlite-wal", false, false),
        IT_IS_COMMITTED_BUT_NOT_ROOTED("symlink", 1, "gcroots", true, false),
        IT_IS_ROOTED_BUT_THE_ROOT_IS_NOT_SYNCED("openat", 1, "gcroots", true, false),
        THE_ANSWER_IS_READY_BUT_NOT_SENT("write", 1, "ok queued 1", true, false),
        IT_IS_DELIVERED_AND_THE_ROOT_IS_ABOUT_TO_GO("unlink", 1, "gcroots", true, true);

        private final String call;
        private final int count;
        private final String seen;
        private final boolean committed;
        private final boolean answered;

        /**
         * @param call the system call at whose entry the worker is killed
         * @param count the number of that call
         * @param seen a part of its arguments, which identifies the step
         * @param committed whether the path is in the database at that time
         * @param answered whether the hook has the answer at that time
         */
        Step(String call, int count, String seen, boolean committed, boolean answered) {
            this.call = call;
            this.count = count;
            this.seen = seen;
            this.committed = committed;
            this.answered = answered;
        }

        /**
         * Whether only calls of the threads count that make roots: other threads make such calls,
         * too, and the lane's children must not be killed.
         */
        boolean byMakersOfRoots() {
            return answered || this == IT_IS_ROOTED_BUT_THE_ROOT_IS_NOT_SYNCED;
        }
    }

    @BeforeAll
    static void begin() throws Exception {
        scratch = new World();
        cache = scratch.dir.resolve("cache-of-mine");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
    }

    @AfterAll
    static void end() throws Exception {
        scratch.close();
    }

    @ParameterizedTest
    @EnumSource
    void aPathIsNotLostWhenTheWorkerIsKilledWhile(Step step) throws Exception {
        String path = scratch.build("step-" + step.ordinal(), 1).getFirst();
        Path spool = scratch.state.resolve("spool");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            // the delivery must not be in the way of the steps before it
            assertEquals(0, scratch.client(step.answered ? "resume" : "pause").status());
            Path calls = scratch.dir.resolve("calls");
            Process strace = killAt(step, worker, calls);
            World.Result hook = scratch.hook(path);
            assertEquals(137, worker.exit(Duration.ofSeconds(30)));
            assertTrue(strace.waitFor(10, TimeUnit.SECONDS), "strace ends with the worker");
            String last =
                    Files.readAllLines(calls).stream()
                            .filter(line -> line.contains(step.call + "("))
                            .reduce("none", (before, line) -> line);
            assertTrue(last.contains(step.seen), last);
            assertEquals(0, hook.status());
            if (step.answered) {
                assertEquals("", hook.errors());
            } else {
                assertTrue(hook.errors().contains("left in the spool"), hook.errors());
            }
        }
        scratch.run("nix-store", "--gc");
        assertTrue(Files.exists(Path.of(path)), "it is rooted, whoever did it");
        if (step.committed) { // then it is there even for a client that is no hook and does not
            // spool
            for (String name : World.names(spool)) {
                Files.delete(spool.resolve(name));
            }
        }
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("resume").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            assertTrue(World.has(cache, path), worker::log);
            World.eventually(
                    Duration.ofSeconds(20),
                    "the root is removed, which may be after the answer to wait",
                    () -> World.names(scratch.roots).isEmpty());
            assertEquals(List.of(), World.names(spool));
            assertEquals("", scratch.client("failed").output());
            assertFalse(worker.log().contains("damaged"), worker::log);
            assertEquals(0, worker.terminate());
        }
    }

    /** The thread of the last request may still run when the client has its answer. */
    private static boolean sleeps(WorkerProcess worker) {
        Path threads = Path.of("/proc/" + worker.pid() + "/task");
        return World.names(threads).stream()
                .map(id -> World.text(threads.resolve(id).resolve("stat")))
                .allMatch(stat -> stat.contains(") S "));
    }

    /** Returns once strace is attached to the worker. */
    private static Process killAt(Step step, WorkerProcess worker, Path calls) throws IOException {
        World.eventually(
                Duration.ofSeconds(20), "no thread of the worker runs", () -> sleeps(worker));
        Path said = scratch.dir.resolve("strace-" + step);
        var command =
                new ArrayList<>(
                        List.of(
                                "strace",
                                "--decode-fds",
                                "--string-limit=200",
                                "--trace=" + step.call,
                                "--inject=" + step.call + ":signal=KILL:when=" + step.count,
                                "--output=" + calls));
        if (step.byMakersOfRoots()) {
            command.add("--attach=" + thread(worker, "queue"));
            command.add("--attach=" + thread(worker, "roots"));
        } else { // every thread, and those to come
            command.addAll(List.of("--follow-forks", "--attach=" + worker.pid()));
        }
        long attached = command.stream().filter(word -> word.startsWith("--attach=")).count();
        Process strace =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile())
                        .start();
        World.eventually(
                Duration.ofSeconds(20),
                "strace is attached",
                () -> {
                    String text = World.text(said);
                    if (!strace.isAlive()) {
                        throw new AssertionError("strace has ended: " + text);
                    }
                    return text.split(" attached", -1).length > attached;
                });
        return strace;
    }

    private static String thread(WorkerProcess worker, String name) {
        Path threads = Path.of("/proc/" + worker.pid() + "/task");
        return World.names(threads).stream()
                .filter(id -> World.text(threads.resolve(id).resolve("comm")).strip().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
