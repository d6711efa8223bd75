package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.net.DatagramPacket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** The worker under systemd: notifications, the watchdog, and its sleep. */
@Timeout(120)
class WatchdogIT {
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
                scratch.deliverWith(
                        "while ! [ -e " + scratch.dir.resolve("go") + " ]; do sleep 0.05; done\n");
        Path address = scratch.dir.resolve("notify");
        scratch.set("NOTIFY_SOCKET", address)
                .set("WATCHDOG_USEC", "2000000")
                .set("NPBHQ_IDLE_TIMEOUT", "300ms");
        try (AFUNIXDatagramSocket systemd = AFUNIXDatagramSocket.newInstance()) {
            systemd.bind(AFUNIXSocketAddress.of(address));
            systemd.setSoTimeout(20_000);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                try (var client = new OtherClient(scratch.socket)) {
                    client.send(scratch.made("package", 1, 0) + "\n");
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
            assertEquals(0, scratch.client(scratch.made("package", 1, 0)).status());
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
    void aTimedPauseEndsAfterARestartWithoutClients() throws Exception {
        Path carried = scratch.dir.resolve("carried");
        scratch.deliverWith("echo carried >> " + carried + "\n");
        long until;
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            until = System.nanoTime() + Duration.ofSeconds(4).toNanos();
            World.Result paused = scratch.client("pause", "4s");
            assertTrue(
                    paused.output().matches("paused since ..:.. until ..:..; a running batch.*\n"),
                    paused.output() + paused.errors());
            assertEquals(0, scratch.client(scratch.made("package", 1, 0)).status());
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
}
