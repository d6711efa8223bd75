package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code kill -9} of the worker at any moment: acknowledged paths arrive after the restart. */
@Timeout(180)
class CrashIT {
    private static final int ROUNDS = 12;
    private static final int PATHS = 4;

    @Test
    void pathsOfASilentHookArriveWheneverTheWorkerIsKilled() throws Exception {
        long seed = Long.getLong("hookqueue.seed", System.nanoTime());
        System.out.println("hookqueue.seed=" + seed);
        var random = new Random(seed);
        try (var scratch = new World()) {
            scratch.signing();
            Path cache = scratch.dir.resolve("cache-of-mine");
            scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
            List<String> paths = scratch.build("crash", ROUNDS * PATHS);
            int spooled = 0;
            for (int round = 0; round < ROUNDS; round++) {
                try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                    var hooks = new ArrayList<CompletableFuture<World.Result>>();
                    for (String path : paths.subList(round * PATHS, (round + 1) * PATHS)) {
                        hooks.add(CompletableFuture.supplyAsync(() -> hook(scratch, path)));
                    }
                    Thread.sleep(
                            random.nextInt(3_000)); // a random moment is the purpose of this test
                    worker.kill();
                    for (CompletableFuture<World.Result> hook : hooks) {
                        World.Result result = hook.get();
                        assertEquals(0, result.status(), "a hook never fails a build");
                        assertTrue(!result.errors().contains("NOT queued"), result.errors());
                        spooled += result.errors().contains("left in the spool") ? 1 : 0;
                    }
                }
            }
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals(0, scratch.client("wait", "timeout=100s").status(), worker::log);
                for (String path : paths) {
                    assertTrue(World.has(cache, path), path + " is lost; " + worker.log());
                }
                World.eventually( // removed after the commit that wait sees
                        Duration.ofSeconds(20),
                        "no root is left",
                        () -> World.names(scratch.roots).isEmpty());
                assertEquals(List.of(), World.names(scratch.state.resolve("spool")));
                assertTrue(scratch.client("failed").output().isEmpty());
            }
            System.out.println(
                    ROUNDS + " kills, " + paths.size() + " paths, " + spooled + " spooled, 0 lost");
        }
    }

    private static World.Result hook(World scratch, String path) {
        try {
            return scratch.hook(path);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void aCopyIsRepeatedAfterAKill() throws Exception {
        try (var scratch = new World()) {
            Path started = scratch.dir.resolve("started");
            Path go = scratch.dir.resolve("go");
            Path nix = scratch.dir.resolve("nix-waiting");
            Files.writeString(
                    nix,
                    "#!/bin/sh\necho x >> "
                            + started
                            + "\nwhile [ ! -e "
                            + go
                            + " ]; do sleep 0.05; done\nexec nix \"$@\"\n");
            Files.setPosixFilePermissions(
                    nix, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
            Path cache = scratch.dir.resolve("cache-of-mine");
            scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache).set("NPBHQ_NIX", nix);
            List<String> paths = scratch.build("middle", 3);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                World.eventually(
                        Duration.ofSeconds(20), "the copy has begun", () -> Files.exists(started));
                worker.kill();
            }
            Files.writeString(go, "");
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
                paths.forEach(path -> assertTrue(World.has(cache, path)));
            }
        }
    }

    @Test
    void aClientThatWaitsIsAnsweredByTheNextWorker() throws Exception {
        try (var scratch = new World()) {
            Path go = scratch.dir.resolve("go");
            Path nix = scratch.dir.resolve("nix-waiting");
            Files.writeString(
                    nix,
                    "#!/bin/sh\nwhile [ ! -e " + go + " ]; do sleep 0.05; done\nexec nix \"$@\"\n");
            Files.setPosixFilePermissions(
                    nix, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
            scratch.set("NPBHQ_UPLOAD_TO", "file://" + scratch.dir.resolve("cache-of-mine"))
                    .set("NPBHQ_NIX", nix);
            List<String> paths = scratch.build("waiter", 1);
            CompletableFuture<World.Result> waiter;
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.getFirst()).errors());
                waiter = CompletableFuture.supplyAsync(() -> waiting(scratch, paths.getFirst()));
                World.eventually(
                        java.time.Duration.ofSeconds(20),
                        "the client is connected",
                        () -> connections(scratch) >= 1);
                worker.kill();
            }
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                Files.writeString(go, "");
                assertEquals(0, waiter.get().status(), worker::log);
            }
        }
    }

    private static World.Result waiting(World scratch, String path) {
        try {
            return scratch.client("wait", "timeout=60s", path);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Established connections to the socket, from the kernel's list; state 03 is "connected". */
    private static long connections(World scratch) {
        try (var lines =
                Files.lines(
                        Path.of("/proc/net/unix"), java.nio.charset.StandardCharsets.ISO_8859_1)) {
            return lines.filter(line ->
                            line.endsWith(" " + scratch.socket) && line.contains(" 0001 03 "))
                    .count();
        } catch (java.io.IOException e) {
            return 0;
        }
    }
}
