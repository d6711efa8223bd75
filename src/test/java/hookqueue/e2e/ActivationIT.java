package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.World;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

/**
 * The tests act as systemd: they own the listening socket and start workers with it through
 * posix_spawn.
 */
@Timeout(120)
class ActivationIT {
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;

    private final POSIX posix = POSIXFactory.getNativePOSIX();
    private final List<Integer> started = new ArrayList<>();
    private World scratch;
    private UnixServerSocketChannel listening;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"))
                .set("NPBHQ_IDLE_TIMEOUT", "200ms");
        listening = UnixServerSocketChannel.open();
        listening.socket().bind(new UnixSocketAddress(scratch.socket.toFile()), 100);
    }

    @AfterEach
    void end() throws Exception {
        started.forEach(pid -> posix.kill(pid, SIGKILL));
        listening.close();
        scratch.close();
    }

    /** Starts a worker with the socket as one of its descriptors. */
    private int spawn(int descriptor, Map<String, String> variables) {
        var environment = new ArrayList<String>();
        scratch.environment().forEach((name, value) -> environment.add(name + "=" + value));
        variables.forEach((name, value) -> environment.add(name + "=" + value));
        String worker = String.join(" ", scratch.program.worker());
        String script =
                "exec > "
                        + scratch.dir.resolve("log.txt")
                        + " 2>&1; "
                        + (variables.containsKey("LISTEN_FDS") ? "export LISTEN_PID=$$; " : "")
                        + "exec "
                        + worker;
        int pid =
                (int)
                        posix.posix_spawnp(
                                "/bin/sh",
                                List.of(SpawnFileAction.dup(listening.getFD(), descriptor)),
                                List.of("sh", "-c", script),
                                environment);
        assertTrue(pid > 0, "posix_spawn: " + posix.errno());
        started.add(pid);
        return pid;
    }

    private int exit(int pid) {
        int[] status = new int[1];
        World.eventually(
                Duration.ofSeconds(30),
                "worker " + pid + " ends: " + log(),
                () -> posix.waitpid(pid, status, 1) == pid);
        started.remove(Integer.valueOf(pid));
        assertEquals(0, status[0] & 0x7f, "ended by a signal: " + log());
        return status[0] >> 8 & 0xff;
    }

    private String log() {
        try {
            return Files.readString(scratch.dir.resolve("log.txt"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private String path(int number) {
        return scratch.store + "/" + "0".repeat(30) + (10 + number) + "-package";
    }

    @Test
    void takesTheSocketAsDescriptorThreeAndLeavesItUsable() throws Exception {
        for (int life = 0; life < 2; life++) {
            int pid = spawn(3, Map.of("LISTEN_FDS", "1", "LISTEN_FDNAMES", "hooks"));
            try (var client = new OtherClient(scratch.socket)) {
                client.send(path(life) + "\n");
                assertEquals("ok queued 1", client.line(), this::log);
            }
            assertEquals(
                    0,
                    exit(pid),
                    "ends by itself when idle, and the next life has the same socket");
        }
    }

    @Test
    void takesTheSocketAsStandardInputAsFromInetd() throws Exception {
        int pid = spawn(0, Map.of());
        try (var client = new OtherClient(scratch.socket)) {
            client.send("version\n");
            assertTrue(client.line().startsWith("ok nix-post-build-hook-queue"), this::log);
        }
        assertEquals(0, posix.kill(pid, SIGTERM));
        assertEquals(0, exit(pid), "SIGTERM is an orderly end");
    }

    @Test
    void aConnectionDuringTheExitIsServedByTheNextWorker() throws Exception {
        int byTheFirst = 0;
        for (int turn = 0; turn < 6; turn++) {
            int pid = spawn(3, Map.of("LISTEN_FDS", "1"));
            try (var first = new OtherClient(scratch.socket)) {
                first.send(path(turn) + "\n");
                assertEquals("ok queued 1", first.line(), this::log);
            }
            Thread.sleep(180 + 15L * turn); // around the idle time
            try (var second = new OtherClient(scratch.socket)) {
                second.send(path(20 + turn) + "\n");
                var answer = CompletableFuture.supplyAsync(() -> line(second));
                int[] status = new int[1];
                World.eventually(
                        Duration.ofSeconds(30),
                        "an answer or the end: " + log(),
                        () -> answer.isDone() || posix.waitpid(pid, status, 1) == pid);
                if (answer.isDone()) {
                    byTheFirst++;
                } else {
                    started.remove(Integer.valueOf(pid));
                    spawn(3, Map.of("LISTEN_FDS", "1"));
                }
                assertEquals("ok queued 1", answer.get(), this::log);
            }
            for (int worker : List.copyOf(started)) {
                assertEquals(0, exit(worker));
            }
        }
        System.out.println(
                "of 6 connections around the end, " + byTheFirst + " were served before it");
    }

    private static String line(OtherClient client) {
        try {
            return client.line();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void withoutASocketItSaysHowToStartIt() throws Exception {
        World.Result result = scratch.attempt(scratch.program.worker().toArray(String[]::new));
        assertEquals(66, result.status());
        assertTrue(result.errors().contains("systemd-socket-activate"), result.errors());
    }

    @Test
    void aDatagramSocketIsRefusedByName() throws Exception {
        var command =
                new ArrayList<>(
                        List.of(
                                "systemd-socket-activate",
                                "--datagram",
                                "--listen=" + scratch.dir.resolve("d")));
        scratch.environment()
                .forEach((name, value) -> command.add("--setenv=" + name + "=" + value));
        command.addAll(scratch.program.worker());
        Path log = scratch.dir.resolve("datagram.log");
        Process worker =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        World.eventually(
                Duration.ofSeconds(10),
                "the socket is there",
                () -> Files.exists(scratch.dir.resolve("d")));
        scratch.run("sh", "-c", "echo x | socat -u - UNIX-SENDTO:" + scratch.dir.resolve("d"));
        assertEquals(66, worker.waitFor());
        assertTrue(
                Files.readString(log)
                        .contains("is not a stream socket: the socket unit needs ListenStream="),
                Files.readString(log));
    }

    @Test
    void allWrongSettingsAreReportedToClientsAndInTheLog() throws Exception {
        scratch.set("NPBHQ_BATCH_SIZE", "many")
                .set("NPBHQ_UPLOAD_TO", "cache.example.com")
                .set("NPBHQ_EXCLUDE", "(");
        int pid = spawn(3, Map.of("LISTEN_FDS", "1"));
        try (var client = new OtherClient(scratch.socket)) {
            client.send(path(1) + "\n");
            String answer = client.line();
            for (String name :
                    List.of(
                            "NPBHQ_BATCH_SIZE",
                            "many",
                            "NPBHQ_UPLOAD_TO",
                            "cache.example.com",
                            "NPBHQ_EXCLUDE")) {
                assertTrue(
                        answer.startsWith("error not queued: configuration:")
                                && answer.contains(name),
                        answer);
                assertTrue(log().contains(name), this::log);
            }
        }
        assertEquals(78, exit(pid));
    }

    @Test
    void anUnusableStateDirectoryIsReportedAndRetriedByTheNextWorker() throws Exception {
        Files.writeString(scratch.dir.resolve("file"), "");
        scratch.set("NPBHQ_STATE_DIR", scratch.dir.resolve("file"));
        int pid = spawn(3, Map.of("LISTEN_FDS", "1"));
        try (var client = new OtherClient(scratch.socket)) {
            client.send(path(1) + "\n");
            assertTrue(
                    client.line().startsWith("error not queued: the state directory"), this::log);
        }
        assertEquals(73, exit(pid));
    }

    @Test
    void noChildInheritsTheSocket() throws Exception {
        Path program = scratch.dir.resolve("program");
        Path seen = scratch.dir.resolve("seen");
        Files.writeString(
                program,
                "#!/bin/sh\nls /proc/self/fd > "
                        + seen
                        + ".new; mv "
                        + seen
                        + ".new "
                        + seen
                        + "\n");
        Files.setPosixFilePermissions(
                program, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(Path.of(path(1)), "");
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program).set("NPBHQ_NIX", Tools.find("false"));
        spawn(3, Map.of("LISTEN_FDS", "1"));
        try (var client = new OtherClient(scratch.socket)) {
            client.send(path(1) + "\n");
            assertEquals("ok queued 1", client.line());
            World.eventually(
                    Duration.ofSeconds(20), "the program ran: " + log(), () -> Files.exists(seen));
            // 3 is ls's own descriptor of the folder
            assertEquals(List.of("0", "1", "2", "3"), Files.readAllLines(seen));
        }
    }
}
