package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real Nix, hook, client and worker: built paths are signed and arrive. */
@Timeout(120)
class UploadIT {
    private World scratch;
    private Path cache;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        cache = scratch.dir.resolve("cache-of-mine");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    @Test
    void aBuildWithTheHookArrivesSignedWithItsDependencies() throws Exception {
        String publicKey = scratch.signing();
        scratch.configure("post-build-hook = " + scratch.program.hook());
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            List<String> built =
                    scratch.build(
                            "let mk = n: dep: derivation { name = n; system = builtins.currentSystem; builder = \"/bin/sh\";"
                                    + " outputs = [ \"out\" \"doc\" ]; args = [ \"-c\" \"echo ${n} ${dep} > $out; echo doc > $doc\" ]; };"
                                    + " a = mk \"a\" \"\"; b = mk \"b\" \"${a}\"; in [ a b ]");
            var paths = new ArrayList<>(built);
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            for (String path : paths) {
                assertTrue(World.has(cache, path), path);
                scratch.run(
                        "nix",
                        "store",
                        "verify",
                        "--store",
                        "file://" + cache,
                        "--no-contents",
                        "--sigs-needed",
                        "1",
                        "--trusted-public-keys",
                        publicKey,
                        path);
            }
            assertEquals(List.of(), World.names(scratch.roots), "no root is left");
            assertTrue(scratch.client("status").output().startsWith("idle"));
            assertEquals(0, worker.terminate());
        }
    }

    @Test
    void pathsQueuedDuringAnOutageSurviveGarbageCollection() throws Exception {
        Path blocked = Files.writeString(scratch.dir.resolve("not-a-folder"), "");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + blocked + "/cache");
        List<String> paths = scratch.build("gc", 6);
        List<String> garbage = scratch.build("garbage", 2);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            for (String path : paths) {
                assertEquals(new World.Result(0, "", ""), scratch.hook(path));
            }
            World.eventually(
                    Duration.ofSeconds(30),
                    "the destination is found down",
                    () -> worker.log().contains("down since"));
            scratch.run("nix-store", "--gc");
            for (String path : paths) {
                assertTrue(Files.exists(Path.of(path)), "still there: " + path);
            }
            assertFalse(Files.exists(Path.of(garbage.getFirst())), "the collection did collect");
            Files.delete(blocked);
            assertEquals(0, scratch.client("retry").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            for (String path : paths) {
                assertTrue(World.has(blocked.resolve("cache"), path));
            }
            assertEquals(List.of(), World.names(scratch.roots));
        }
    }

    @Test
    void pathsBuiltWithoutAWorkerSurviveGarbageCollectionAndAreUploadedLater() throws Exception {
        scratch.configure("post-build-hook = " + scratch.program.hook());
        List<String> paths = scratch.build("spooled", 3);
        assertEquals(3, World.names(scratch.state.resolve("spool")).size());
        scratch.run("nix-store", "--gc");
        paths.forEach(path -> assertTrue(Files.exists(Path.of(path)), path));
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            paths.forEach(path -> assertTrue(World.has(cache, path), path));
            assertEquals(List.of(), World.names(scratch.roots));
            assertEquals(List.of(), World.names(scratch.state.resolve("spool")));
        }
    }

    @Test
    void aPauseOutlivesTheWorker() throws Exception {
        List<String> paths = scratch.build("paused", 2);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("pause").status());
            assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
            worker.kill();
        }
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            World.Result waited = scratch.client("wait", "timeout=2s");
            assertEquals(1, waited.status(), worker::log);
            assertTrue(scratch.client("status").output().contains("paused since"), worker::log);
            assertTrue(paths.stream().noneMatch(path -> World.has(cache, path)), worker::log);
            assertEquals(0, scratch.client("resume").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            paths.forEach(path -> assertTrue(World.has(cache, path), path));
        }
    }

    @Test
    void aPathGoesToSeveralDestinationsAlthoughOneIsDown() throws Exception {
        Path told = scratch.dir.resolve("told");
        Path program = scratch.dir.resolve("program");
        Files.writeString(
                program,
                "#!/bin/sh\n[ \"$*\" = \"$OUT_PATHS\" ] && for p; do echo \"$p\" >> "
                        + told
                        + "; done\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path blocked = Files.writeString(scratch.dir.resolve("not-a-folder"), "");
        scratch.set(
                "NPBHQ_UPLOAD_TO",
                "file://" + cache + " exec:" + program + " file://" + blocked + "/cache");
        List<String> paths = scratch.build("places", 10);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
            World.eventually(
                    Duration.ofSeconds(60),
                    "two of three have all",
                    () ->
                            paths.stream().allMatch(path -> World.has(cache, path))
                                    && Files.exists(told)
                                    && lines(told).size() == 10);
            assertEquals(java.util.Set.copyOf(paths), java.util.Set.copyOf(lines(told)));
            assertEquals(1, scratch.client("wait", "timeout=1s").status());
            assertEquals(10, World.names(scratch.roots).size(), "still rooted for the third");
            assertEquals(0, worker.terminate());
        }
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(
                    0,
                    scratch.client("wait", "timeout=10s").status(),
                    "the removed destination holds nothing up");
            assertTrue(scratch.client("status").output().contains("removed"), worker::log);
            assertEquals(0, worker.terminate());
        }
        Files.delete(blocked);
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache + " file://" + blocked + "/cache");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("retry").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            paths.forEach(path -> assertTrue(World.has(blocked.resolve("cache"), path), path));
            assertEquals(10, lines(told).size(), "nothing was told twice");
        }
    }

    @Test
    void explainNamesExcludedDependenciesThatAreUploadedAnyway() throws Exception {
        scratch.set("NPBHQ_EXCLUDE", "^secret");
        List<String> built =
                scratch.build(
                        "let mk = n: dep: derivation { name = n; system = builtins.currentSystem;"
                                + " builder = \"/bin/sh\"; args = [ \"-c\" \"echo ${n} ${dep} > $out\" ]; };"
                                + " secret = mk \"secret\" \"\"; in [ secret (mk \"app\" \"${secret}\") ]");
        String secret = built.getFirst();
        String app = built.getLast();
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("", scratch.hook(app).errors());
            String ofApp = scratch.client("explain", app).output();
            assertTrue(
                    ofApp.contains(
                            "uploaded anyway although excluded, as its dependency: " + secret),
                    ofApp);
            String ofSecret = scratch.client("explain", secret).output();
            assertTrue(ofSecret.contains("uploaded anyway, as a dependency of " + app), ofSecret);
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            assertTrue(World.has(cache, secret), "as explain said");
            String settled = scratch.client("explain", app).output();
            assertTrue(
                    settled.contains(
                            "if a destination lost it: nix-post-build-hook-queue verify " + app),
                    settled);
        }
    }

    @Test
    void aProgramGetsTheDerivationIfAllPathsComeFromOne() throws Exception {
        Path told = scratch.dir.resolve("told");
        Path program = scratch.dir.resolve("program");
        Files.writeString(program, "#!/bin/sh\necho \"${DRV_PATH-none}\" >> " + told + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program);
        List<String> paths = scratch.build("derived", 2);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("", scratch.hook(paths.getFirst()).errors());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            assertEquals(0, scratch.client("pause").status());
            assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
            assertEquals(0, scratch.client("resume").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
        }
        String deriver = scratch.run("nix-store", "--query", "--deriver", paths.getFirst()).strip();
        assertEquals(List.of(deriver, "none"), lines(told));
    }

    @Test
    void aDependencyQueuedWhileItsDependantIsCopiedIsSentOnce() throws Exception {
        Path calls = scratch.dir.resolve("calls");
        Path nix = scratch.dir.resolve("nix-telling");
        Files.writeString(
                nix,
                "#!"
                        + Tools.find("bash")
                        + "\nset -o pipefail\nnix \"$@\" 2>&1 | tee -a "
                        + calls
                        + "\n");
        Files.setPosixFilePermissions(nix, PosixFilePermissions.fromString("rwxr-xr-x"));
        scratch.set("NPBHQ_NIX", nix).set("NPBHQ_BATCH_SIZE", "1");
        List<String> built =
                scratch.build(
                        "let mk = n: dep: derivation { name = n; system = builtins.currentSystem;"
                                + " builder = \"/bin/sh\"; args = [ \"-c\" \"echo ${n} ${dep} > $out\" ]; };"
                                + " a = mk \"a\" \"\"; b = mk \"b\" \"${a}\"; c = mk \"c\" \"${a} ${b}\";"
                                + " in [ a b c ]");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("", scratch.hook(built.get(2)).errors());
            assertEquals("", scratch.hook(built.get(0)).errors());
            assertEquals("", scratch.hook(built.get(1)).errors());
            assertEquals("", scratch.hook(built.get(2)).errors());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
        }
        String copy = "\"text\":\"copying path '";
        for (String path : built) {
            assertEquals(
                    1,
                    lines(calls).stream().filter(line -> line.contains(copy + path + "'")).count(),
                    path);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (java.io.IOException e) {
            return List.of();
        }
    }

    @Test
    void filtersAndTagsAndBackfill() throws Exception {
        scratch.set("NPBHQ_EXCLUDE", "^secret");
        List<String> open = scratch.build("open", 2);
        List<String> secret = scratch.build("secret", 1);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(
                    "queued 1\n", scratch.client("queue", "tag=ci/7", open.getFirst()).output());
            assertEquals(
                    0, scratch.client("wait", "tag=ci/7", "timeout=60s").status(), worker::log);
            assertTrue(World.has(cache, open.getFirst()));
            assertEquals("queued 0 excluded 1\n", scratch.client(secret.getFirst()).output());
            assertEquals(
                    1, scratch.client("wait", secret.getFirst()).status(), "it will never arrive");
            assertTrue(
                    scratch.client("explain", secret.getFirst())
                            .output()
                            .contains("NPBHQ_EXCLUDE matches"));
            assertEquals("queued 2, excluded 1, refused 0\n", scratch.client("backfill").output());
            assertEquals(0, scratch.client("wait", "timeout=60s").status());
            assertTrue(World.has(cache, open.get(1)));
            assertFalse(World.has(cache, secret.getFirst()));
        }
    }
}
