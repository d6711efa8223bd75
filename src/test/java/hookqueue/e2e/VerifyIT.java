package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.CacheServer;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code verify} with real Nix and a binary cache that loses paths. */
@Timeout(180)
class VerifyIT {
    private static final String CHAIN =
            "let mk = n: dep: derivation { name = n; system = builtins.currentSystem;"
                    + " builder = \"/bin/sh\"; args = [ \"-c\" \"echo ${n} ${dep} > $out\" ]; };"
                    + " a = mk \"a\" \"\"; in [ (mk \"b\" \"${a}\") (mk \"c\" \"\") (mk \"d\" \"\") a ]";

    private World scratch;
    private CacheServer cache;

    @BeforeEach
    void begin() throws IOException {
        scratch = new World();
        cache = new CacheServer(scratch.dir.resolve("binary"), scratch.store.toString());
        scratch.set("NPBHQ_UPLOAD_TO", "cache=" + cache.url());
    }

    @AfterEach
    void end() throws IOException {
        cache.close();
        scratch.close();
    }

    static List<String> versions() {
        return NixVersions.all();
    }

    private void deliver(WorkerProcess worker, List<String> paths) throws IOException {
        assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
        assertEquals(0, scratch.client("wait", "timeout=90s").status(), worker::log);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aLostPathAndALostDependencyAreSentAgain(String version) throws Exception {
        scratch.set("NPBHQ_NIX", NixVersions.program(version, scratch));
        String publicKey = scratch.signing();
        List<String> built = scratch.build(CHAIN);
        String b = built.get(0);
        String c = built.get(1);
        String a = built.get(3);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            deliver(worker, built.subList(0, 3));
            assertEquals(
                    new World.Result(0, "cache: checked 3, sent again 0\nall is there\n", ""),
                    scratch.client("verify"));
            cache.lose(a);
            cache.lose(c);
            World.Result found = scratch.client("verify");
            assertEquals(0, found.status(), found::errors);
            assertTrue(found.output().contains("cache: was missing, sent again: " + a + "\n"));
            assertTrue(found.output().contains("cache: was missing, sent again: " + c + "\n"));
            assertTrue(
                    found.output()
                            .endsWith(
                                    "cache: checked 3, sent again 2\n"
                                            + "all is there; sent again: 2\n"),
                    found::output);
            for (String path : List.of(b, c)) {
                World.Result fetched = fetch(path, publicKey);
                assertEquals(0, fetched.status(), fetched::errors);
            }
            cache.lose(a);
            assertEquals(
                    new World.Result(0, "cache: checked 1, sent again 0\nall is there\n", ""),
                    scratch.client("verify", c));
            assertFalse(cache.has(a), "nobody asked for it");
            assertEquals(0, scratch.client("verify", b).status());
            assertTrue(cache.has(a));
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aLocallyDeletedPathIsLostOnlyIfTheDestinationLacksItToo(String version) throws Exception {
        scratch.set("NPBHQ_NIX", NixVersions.program(version, scratch));
        List<String> paths = scratch.build("gone", 3);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            deliver(worker, paths);
            scratch.run("nix-store", "--delete", paths.get(0), paths.get(1));
            assertEquals(
                    new World.Result(0, "cache: checked 3, sent again 0\nall is there\n", ""),
                    scratch.client("verify"));
            cache.lose(paths.get(1));
            World.Result found = scratch.client("verify");
            assertEquals(1, found.status(), found::output);
            assertEquals(
                    "cache: lost, and gone from the local store: "
                            + paths.get(1)
                            + "\ncache: checked 3, sent again 0, lost 1\n",
                    found.output());
            assertTrue(found.errors().endsWith("not everything is there; lost: 1\n"));
            assertTrue(worker.log().contains("cache: lost " + Path.of(paths.get(1)).getFileName()));
        }
    }

    @Test
    void pathsThatTheDestinationRefusesAreQueuedAgain() throws Exception {
        List<String> paths = scratch.build("refused", 2);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            deliver(worker, paths);
            cache.lose(paths.get(0));
            cache.refuse("PUT", "^/nar/", 500, -1);
            World.Result found = scratch.client("verify");
            assertEquals(1, found.status(), found::output);
            assertTrue(found.output().contains("cache: queued again: 2 paths"), found::output);
            assertTrue(found.output().contains("HTTP error 500"), found::output);
            cache.acceptAll();
            assertEquals(0, scratch.client("retry").status());
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            assertTrue(cache.has(paths.get(0)));
        }
    }

    @Test
    void nothingIsReportedAsPresentAtADestinationThatIsDown() throws Exception {
        List<String> paths = scratch.build("down", 1);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            deliver(worker, paths);
            cache.stop();
            World.Result found = scratch.client("verify");
            assertEquals(1, found.status(), found::output);
            assertTrue(
                    found.output().startsWith("cache: checked 0, sent again 0; not asked for"),
                    found::output);
            assertTrue(
                    found.errors().contains("destinations that could not be asked: 1"),
                    found::errors);
            cache.start();
            assertEquals(0, scratch.client("verify").status(), worker::log);
        }
    }

    @Test
    void verifyAlsoChecksAnSshDestination() throws Exception {
        try (var sshd = new Sshd(scratch)) {
            sshd.start();
            scratch.set("NPBHQ_UPLOAD_TO", "there=" + sshd.url());
            List<String> paths = scratch.build("ssh", 2);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                deliver(worker, paths);
                scratch.run("nix-store", "--delete", paths.get(0));
                assertEquals(
                        new World.Result(0, "there: checked 2, sent again 0\nall is there\n", ""),
                        scratch.client("verify"),
                        worker::log);
            }
        }
    }

    /** The worker is killed during the third batch; the client then asks the next worker. */
    @Test
    void aVerificationContinuesAfterTheWorkerWasKilled() throws Exception {
        Path gate = scratch.dir.resolve("gate");
        Path go = scratch.dir.resolve("go");
        Path copies = scratch.dir.resolve("copies");
        Path nix =
                scratch.script(
                        "nix-at-gate",
                        """
                        #!/bin/sh
                        case " $* " in *" copy "*)
                            echo >>%s
                            if [ -e %s ] && [ "$(wc -l <%s)" -ge 3 ]; then
                                until [ -e %s ]; do sleep 0.05; done
                            fi
                        esac
                        exec nix "$@"
                        """
                                .formatted(copies, gate, copies, go));
        scratch.set("NPBHQ_NIX", nix).set("NPBHQ_BATCH_SIZE", 4);
        List<String> paths = scratch.build("many", 18);
        CompletableFuture<World.Result> client;
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            deliver(worker, paths);
            for (int each : List.of(1, 17)) {
                cache.lose(paths.get(each));
            }
            Files.delete(copies);
            Files.createFile(gate);
            client = CompletableFuture.supplyAsync(this::verify);
            World.eventually(
                    Duration.ofSeconds(60),
                    "the third batch waits",
                    () -> World.text(copies).length() == 3);
            worker.kill();
        }
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            Files.createFile(go);
            World.Result found = client.get();
            assertEquals(0, found.status(), found::errors);
            assertTrue(found.output().contains("cache: continues after 8 paths\n"), found::output);
            assertTrue(found.output().contains("cache: checked 18, sent again 2\n"), found::output);
            assertTrue(cache.has(paths.get(1)) && cache.has(paths.get(17)), worker::log);
            assertEquals(
                    "cache: checked 18, sent again 0\nall is there\n",
                    scratch.client("verify").output(),
                    "the next one begins anew");
        }
    }

    private World.Result verify() {
        try {
            return scratch.client("verify");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Another store, which trusts only this key, fetches the path with its closure. */
    private World.Result fetch(String path, String publicKey) throws IOException {
        Path elsewhere = Files.createDirectories(scratch.dir.resolve("elsewhere"));
        return scratch.attempt(
                "nix",
                "copy",
                "--from",
                "file://" + scratch.dir.resolve("binary"),
                "--to",
                "local?root=" + elsewhere + "&require-sigs=true",
                "--option",
                "trusted-public-keys",
                publicKey,
                path);
    }
}
