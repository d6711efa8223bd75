package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;
import jnr.posix.SpawnFileAction;
import jnr.unixsocket.UnixServerSocketChannel;
import jnr.unixsocket.UnixSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

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

    private Path program(String script) throws IOException {
        Path program = scratch.dir.resolve("program");
        Files.writeString(program, "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program);
        return program;
    }

    private static String receive(AFUNIXDatagramSocket socket) throws IOException {
        var packet = new DatagramPacket(new byte[8192], 8192);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
    }

    @Test
    void theWatchdogIsFedWhileManyRootsAreMade() throws Exception {
        Path address = scratch.dir.resolve("notify");
        scratch.set("NOTIFY_SOCKET", address)
                .set("WATCHDOG_USEC", "3000000")
                .set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"));
        Files.deleteIfExists(scratch.roots);
        Files.createFile(scratch.roots); // no folder: no root can be made
        int count = 40_000;
        try (AFUNIXDatagramSocket systemd = AFUNIXDatagramSocket.newInstance()) {
            systemd.bind(AFUNIXSocketAddress.of(address));
            systemd.setSoTimeout(20_000);
            try (WorkerProcess worker = WorkerProcess.listen(scratch);
                    var client = new OtherClient(scratch.socket)) {
                client.send("pause\n");
                assertTrue(client.line().startsWith("ok"), worker::log);
                for (int i = 0; i < count; i += 1_000) {
                    var line = new StringBuilder();
                    for (int n = i; n < i + 1_000; n++) {
                        line.append(String.format(Locale.ROOT, "%s/%032d-p ", scratch.store, n));
                    }
                    client.send(line.append('\n').toString());
                    assertEquals("ok queued 1000", client.line(), worker::log);
                }
                assertTrue(Files.isRegularFile(scratch.roots));
                Files.delete(scratch.roots);
                Files.createDirectory(scratch.roots);
                long fed = System.nanoTime();
                while (World.names(scratch.roots).size() < count) {
                    if (receive(systemd).contains("WATCHDOG=1")) {
                        Duration gap = Duration.ofNanos(System.nanoTime() - fed);
                        assertTrue(
                                gap.compareTo(Duration.ofSeconds(3)) < 0, () -> "fed after " + gap);
                        fed = System.nanoTime();
                    }
                }
                client.send("drop destination=exec:" + Tools.find("true") + "\n");
                assertTrue(client.line().startsWith("ok dropped"), worker::log);
                assertEquals(0, worker.terminate());
            }
        }
    }

    @Test
    void notifiesSystemdOfReadinessStatusWatchdogAndStop() throws Exception {
        Path program =
                program("while ! [ -e " + scratch.dir.resolve("go") + " ]; do sleep 0.05; done\n");
        Path address = scratch.dir.resolve("notify");
        scratch.set("NOTIFY_SOCKET", address)
                .set("WATCHDOG_USEC", "2000000")
                .set("NPBHQ_IDLE_TIMEOUT", "300ms");
        try (AFUNIXDatagramSocket systemd = AFUNIXDatagramSocket.newInstance()) {
            systemd.bind(AFUNIXSocketAddress.of(address));
            systemd.setSoTimeout(20_000);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                try (var client = new OtherClient(scratch.socket)) {
                    client.send(path(1) + "\n");
                    assertEquals("ok queued 1", client.line(), worker::log);
                }
                assertEquals("READY=1\nSTATUS=ready", receive(systemd));
                var seen = new ArrayList<String>();
                while (!(seen.contains("WATCHDOG=1")
                        && seen.contains("STATUS=copying 1 of 1 to exec:" + program))) {
                    seen.add(receive(systemd));
                }
                Files.createFile(scratch.dir.resolve("go"));
                while (!seen.getLast().startsWith("STOPPING=1")) {
                    seen.add(receive(systemd));
                }
                assertEquals("STOPPING=1\nSTATUS=nothing left to do", seen.getLast());
                assertTrue(seen.contains("STATUS=idle"), seen::toString);
                assertEquals(0, worker.exit(Duration.ofSeconds(20)));
            }
        }
    }

    /** The JVM's own threads wake about once a second. */
    private static long switchesOfTheWorkersOwnThreads(long pid) throws IOException {
        long all = 0;
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
            for (Path thread : threads.toList()) {
                String name = Files.readString(thread.resolve("comm")).strip();
                if (!name.matches(
                        "C1.*|VM .*|Service.*|Monitor.*|Signal.*|.*Cleaner.*|Ref.*|Fin.*")) {
                    all +=
                            Files.readAllLines(thread.resolve("status")).stream()
                                    .filter(line -> line.startsWith("voluntary_ctxt_switches:"))
                                    .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
                                    .sum();
                }
            }
        }
        return all;
    }

    /** A laptop may be offline for a week. Only the heartbeat may wake the worker. */
    @Test
    void aWorkerThatIsPausedSleeps() throws Exception {
        scratch.set("NPBHQ_METRICS_FILE", scratch.dir.resolve("queue.prom"))
                .set("WATCHDOG_USEC", "60000000");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("pause").status(), worker::log);
            assertEquals(0, scratch.client(path(1)).status());
            Thread.sleep(6_000); // the work after a start and a request; then the worker must sleep
            long before = switchesOfTheWorkersOwnThreads(worker.pid());
            assertTrue(before > 20, "they have done something");
            Thread.sleep(10_000); // the time that is measured
            long switches = switchesOfTheWorkersOwnThreads(worker.pid()) - before;
            System.out.println("a paused worker: " + switches + " context switches in 10 s");
            assertTrue(switches <= 10, () -> switches + " context switches in 10 s");
        }
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
    void aTimedPauseEndsAfterARestartWithoutClients() throws Exception {
        Path carried = scratch.dir.resolve("carried");
        program("echo carried >> " + carried + "\n");
        long until;
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            until = System.nanoTime() + Duration.ofSeconds(4).toNanos();
            World.Result paused = scratch.client("pause", "4s");
            assertTrue(
                    paused.output().matches("paused since ..:.. until ..:..; a running batch.*\n"),
                    paused.output() + paused.errors());
            assertEquals(0, scratch.client(path(1)).status());
            assertEquals(0, worker.terminate(), worker::log);
        }
        try (WorkerProcess next = WorkerProcess.listen(scratch)) {
            try (var client = new OtherClient(scratch.socket)) {
                client.send("version\n");
                client.line(); // it is awake now, as after a boot
            }
            World.eventually(Duration.ofSeconds(30), "it goes on", () -> Files.exists(carried));
            assertEquals(0, scratch.client("wait", "timeout=20s").status());
            assertTrue(System.nanoTime() >= until, "and not before its time");
            assertEquals(0, next.terminate(), next::log);
            assertTrue(
                    next.log()
                            .contains(
                                    "exits: stopped; delivered 1 to exec:"
                                            + scratch.dir.resolve("program")),
                    next::log);
        }
    }

    @Test
    void sigtermEndsTheWorkerInTenSecondsDespiteAStubbornChildAndClients() throws Exception {
        Path pid = scratch.dir.resolve("pid");
        program(
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
        program("exit 1\n");
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
