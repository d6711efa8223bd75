package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.SpawnFileAction;
import jnr.unixsocket.UnixServerSocketChannel;
import jnr.unixsocket.UnixSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The life of the real worker: its notifications to systemd, its exit, the next worker's start. */
@Timeout(120)
class WorkerIT {
    private World scratch;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"));
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    /** A path that is valid enough for an exec: destination. */
    private String path(int number) throws IOException {
        Path path =
                scratch.store.resolve(
                        String.format(Locale.ROOT, "%032d", number) + "-package-" + number);
        if (!Files.exists(path)) {
            Files.createFile(path);
        }
        return path.toString();
    }

    @Test
    void theThreadThatAcceptsClientsWritesNoFile() throws Exception {
        Path metrics = scratch.dir.resolve("queue.prom");
        scratch.set("NPBHQ_METRICS_FILE", metrics);
        Path trace = scratch.dir.resolve("trace");
        try (WorkerProcess worker =
                WorkerProcess.listen(
                        scratch,
                        List.of(
                                "strace",
                                "-D",
                                "-f",
                                "-q",
                                "--trace=accept,accept4,fsync,fdatasync,rename",
                                "-o",
                                trace.toString()))) {
            for (int i = 1; i <= 3; i++) {
                int number = i;
                assertEquals(0, scratch.client(path(i)).status(), worker::log);
                assertEquals(0, scratch.client("wait").status(), worker::log);
                World.eventually(
                        Duration.ofSeconds(20),
                        "the metrics are written",
                        () ->
                                World.text(metrics)
                                        .contains(
                                                "delivered_paths_total{lane=\"exec:"
                                                        + Tools.find("true")
                                                        + "\"} "
                                                        + number));
            }
            assertEquals(0, worker.terminate(), worker::log);
            World.eventually(
                    Duration.ofSeconds(20),
                    "strace has ended",
                    () -> World.text(trace).stripTrailing().endsWith("+++"));
        }
        List<String> calls = Files.readAllLines(trace);
        int first = 0; // ignore the start and the exit, when it opens and closes the queue
        while (!calls.get(first).contains(" accept")) {
            first++;
        }
        int last = calls.size() - 1;
        while (!calls.get(last).contains(" accept")) {
            last--;
        }
        Set<String> accepting = new TreeSet<>();
        Set<String> writing = new TreeSet<>();
        for (String call : calls.subList(first, last + 1)) {
            String thread = call.split(" ")[0];
            if (call.contains(" accept")) {
                accepting.add(thread);
            } else if (call.contains("sync(") || call.contains(" rename(")) {
                writing.add(thread);
            }
        }
        assertEquals(1, accepting.size());
        assertTrue(writing.size() >= 3, "queue, roots and metrics: " + writing);
        assertTrue(Collections.disjoint(accepting, writing), accepting + " and " + writing);
    }

    @Test
    void sigtermEndsTheWorkerInTenSecondsDespiteAStubbornChildAndClients() throws Exception {
        Path pid = scratch.dir.resolve("pid");
        scratch.deliverWith(
                "trap '' TERM\necho $$ > "
                        + pid
                        + ".new\nmv "
                        + pid
                        + ".new "
                        + pid
                        + "\nexec sleep 1000\n");
        long child;
        try (WorkerProcess worker = WorkerProcess.listen(scratch);
                var client = new OtherClient(scratch.socket);
                var waiting = new OtherClient(scratch.socket)) {
            client.send(path(1) + "\n");
            assertEquals("ok queued 1", client.line(), worker::log);
            waiting.send("wait\n");
            World.eventually(Duration.ofSeconds(20), "the child runs", () -> Files.exists(pid));
            child = Long.parseLong(Files.readString(pid).strip());
            assertTrue(ProcessHandle.of(child).isPresent());
            long began = System.nanoTime();
            assertEquals(0, worker.terminate(), worker::log);
            Duration took = Duration.ofNanos(System.nanoTime() - began);
            assertTrue(took.compareTo(Duration.ofSeconds(10)) < 0, () -> "it took " + took);
        }
        assertFalse(ProcessHandle.of(child).isPresent(), "no child is left");
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true")).set("NPBHQ_IDLE_TIMEOUT", "0");
        try (WorkerProcess next = WorkerProcess.listen(scratch)) {
            assertTrue(
                    scratch.client("list").output().startsWith(path(1)),
                    "it is simply still queued");
            next.terminate();
        }
    }

    @Test
    void aSecondWorkerOnTheSameStateDirectoryReportsIt() throws Exception {
        try (WorkerProcess first = WorkerProcess.listen(scratch);
                var client = new OtherClient(scratch.socket);
                var other = new World()) {
            client.send("pause\n");
            assertTrue(client.line().startsWith("ok"), first::log);
            other.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"))
                    .set("NPBHQ_STATE_DIR", scratch.state);
            try (WorkerProcess second = WorkerProcess.listen(other);
                    var late = new OtherClient(other.socket)) {
                late.send(path(1) + "\n");
                assertEquals(
                        "error not queued: the state directory "
                                + scratch.state
                                + " cannot be used: another worker is using it",
                        late.line(),
                        second::log);
            }
            client.send(path(1) + "\n");
            assertEquals("ok queued 1", client.line(), first::log);
        }
    }

    @Test
    void aDamagedDatabaseIsReportedUntilAnOperatorClearsIt() throws Exception {
        try (WorkerProcess worker = WorkerProcess.listen(scratch);
                var client = new OtherClient(scratch.socket)) {
            client.send("pause\n" + path(1) + " " + path(2) + "\n");
            assertTrue(client.line().startsWith("ok paused"), worker::log);
            assertEquals("ok queued 2", client.line());
            worker.kill();
        }
        Files.deleteIfExists(scratch.state.resolve("queue.sqlite-wal"));
        Files.writeString(scratch.state.resolve("queue.sqlite"), "garbage ".repeat(2_000));
        scratch.deliverWith("exit 1\n");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            String status = scratch.client("status").output();
            assertTrue(
                    status.contains(
                            "problem: a damaged database was set aside as queue.sqlite.damaged-"),
                    () -> status + worker.log());
            assertEquals(2, scratch.client("list").output().lines().count(), worker::log);
        }
    }

    @Test
    void everySocketOfTheUnitIsServed() throws Exception {
        Path second = scratch.dir.resolve("s2");
        var command =
                new ArrayList<>(
                        List.of(
                                "systemd-socket-activate",
                                "--listen=" + scratch.socket,
                                "--listen=" + second));
        scratch.environment()
                .forEach((name, value) -> command.add("--setenv=" + name + "=" + value));
        command.addAll(scratch.program.worker());
        Path log = scratch.dir.resolve("log.txt");
        Process worker =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        try {
            World.eventually(Duration.ofSeconds(10), "the sockets", () -> Files.exists(second));
            for (Path socket : List.of(second, scratch.socket)) {
                try (var client = new OtherClient(socket)) {
                    client.send("version\n");
                    assertTrue(
                            client.line().startsWith("ok nix-post-build-hook-queue "),
                            () -> socket + " " + worker);
                }
            }
        } finally {
            worker.destroyForcibly().waitFor();
        }
    }

    /**
     * The test acts as systemd: it owns the socket, and starts a worker whenever a client connects
     * and no worker runs. The workers exit as soon as they can, so clients connect at every moment
     * of the exit.
     */
    @Test
    void clientsThatConnectDuringTheExitAreServed() throws Exception {
        scratch.set("NPBHQ_IDLE_TIMEOUT", "0");
        long seed = Long.getLong("hookqueue.seed", System.nanoTime());
        var random = new Random(seed);
        POSIX posix = POSIXFactory.getNativePOSIX();
        int worker = 0;
        int workers = 0;
        try (UnixServerSocketChannel listening = UnixServerSocketChannel.open()) {
            listening.socket().bind(new UnixSocketAddress(scratch.socket.toFile()), 100);
            // more turns on a busy machine, where one worker may serve ten clients before it exits
            for (int turn = 0; turn < 10 || (workers == 1 && turn < 200); turn++) {
                try (var client = new OtherClient(scratch.socket)) {
                    client.send("version\n"); // no work, so the worker exits at once
                    var answer = CompletableFuture.supplyAsync(() -> line(client));
                    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
                    while (!answer.isDone()) {
                        assertTrue(System.nanoTime() < end, () -> "no answer, seed " + seed);
                        if (worker == 0) {
                            worker = spawn(posix, listening.getFD());
                            workers++;
                        }
                        if (posix.waitpid(worker, new int[1], 1) == worker) {
                            worker = 0;
                        }
                        Thread.sleep(1);
                    }
                    assertTrue(
                            answer.get().startsWith("ok nix-post-build-hook-queue "),
                            "turn " + turn + ", seed " + seed);
                }
                Thread.sleep(random.nextInt(60)); // around the worker's exit
            }
            while (worker != 0 && posix.waitpid(worker, new int[1], 1) != worker) {
                Thread.sleep(5);
            }
        }
        assertTrue(workers > 1, "no worker has ended in the meantime: the test shows nothing");
        System.out.println("the clients were served by " + workers + " workers, seed " + seed);
    }

    private int spawn(POSIX posix, int listening) {
        var environment = new ArrayList<String>();
        scratch.environment().forEach((name, value) -> environment.add(name + "=" + value));
        environment.add("LISTEN_FDS=1");
        String script =
                "exec >> "
                        + scratch.dir.resolve("log.txt")
                        + " 2>&1; export LISTEN_PID=$$; exec "
                        + String.join(" ", scratch.program.worker());
        long pid =
                posix.posix_spawnp(
                        "/bin/sh",
                        List.of(SpawnFileAction.dup(listening, 3)),
                        List.of("sh", "-c", script),
                        environment);
        assertTrue(pid > 0, "posix_spawn: " + posix.errno());
        return (int) pid;
    }

    private static String line(OtherClient client) {
        try {
            return String.valueOf(client.line());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
