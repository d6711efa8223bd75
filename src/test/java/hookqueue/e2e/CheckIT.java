package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.CacheServer;
import hookqueue.testkit.Client;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code check} finds, with real Nix, a real sshd and real caches. */
@Timeout(180)
class CheckIT {
    private World scratch;

    @BeforeEach
    void begin() throws IOException {
        scratch = new World();
        scratch.configure("post-build-hook = " + scratch.program.hook());
    }

    @AfterEach
    void end() throws IOException {
        scratch.close();
    }

    static List<String> versions() {
        return NixVersions.all();
    }

    private World.Result check(String... more) throws IOException {
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("version").status(), worker::log);
            return more.length == 0 ? scratch.client("check") : scratch.client("check", more[0]);
        }
    }

    private static void assertLine(World.Result result, String line) {
        assertTrue(result.output().lines().anyMatch(line::equals), () -> line + "\n" + result);
    }

    private static void assertPart(World.Result result, String part) {
        assertTrue(result.output().contains(part), () -> part + "\n" + result);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void testUploadArrivesSignedAndASecondOneFindsIt(String version) throws Exception {
        scratch.set("NPBHQ_NIX", NixVersions.program(version, scratch));
        String publicKey = scratch.signing();
        Path folder = scratch.dir.resolve("binary");
        try (var cache = new CacheServer(scratch.dir.resolve("served"), scratch.store.toString())) {
            scratch.set(
                    "NPBHQ_UPLOAD_TO",
                    "files=file://" + folder + "?compression=zstd web=" + cache.url());
            World.Result first = check("--upload");
            assertEquals(0, first.status(), first::toString);
            assertPart(first, "pass  settings: valid: 2 destinations, a signing key\n");
            assertPart(first, "pass  hook: builds run " + scratch.program.hook() + "\n");
            assertPart(first, "pass  signing key: its public half is " + publicKey + "\n");
            assertPart(first, "pass  test path: signed: " + scratch.store + "/");
            assertPart(first, "pass  destination files: test upload: arrived, signed by test-1, ");
            assertPart(first, "pass  destination web: test upload: arrived, signed by test-1, ");
            assertTrue(
                    World.names(folder).stream().anyMatch(name -> name.endsWith(".narinfo")),
                    "the cache has the path");
            assertFalse(Files.exists(scratch.state.resolve("cache/check")), "left in the cache");
            World.Result second = check("upload");
            assertEquals(0, second.status(), second::toString);
            assertPart(
                    second,
                    "pass  destination web: test upload: it had the test path already, signed by");
        }
    }

    @Test
    void eachRefusingDestinationHasAReasonAndAFix() throws Exception {
        try (Sshd sshd = new Sshd(scratch).start()) {
            String user = System.getProperty("user.name");
            scratch.set(
                    "NPBHQ_UPLOAD_TO",
                    String.join(
                            " ",
                            "good=" + sshd.url(),
                            "unknown=ssh-ng://" + user + "@localhost",
                            "dead=http://127.0.0.1:1/",
                            "outside=file:///proc/nowhere/cache",
                            "s3=s3://bucket?compression=zstd&region=x&endpoint=127.0.0.1:1&scheme=http",
                            "none=exec:/no/such/program"));
            World.Result found = check();
            assertEquals(1, found.status(), found::toString);
            assertEquals(
                    "nix-post-build-hook-queue: 5 of 13 checks failed\n",
                    found.errors().replaceAll(", [0-9]* warnings?", ""),
                    found::toString);
            assertPart(found, "pass  SSH key: its public half is ssh-ed25519 ");
            assertPart(found, "pass  destination good: answers after ");
            assertLine(
                    found,
                    "note  destination good: ssh-ng:// sends many paths in one stream;"
                            + " ssh:// waits for each");
            assertPart(
                    found,
                    "FAIL  destination unknown: Host key verification failed.\n      fix: compare the"
                            + " host's key with what its administrator says, then:\n"
                            + "           ssh-keyscan -p "
                            + sshd.port()
                            + " localhost \\\n               >>"
                            + scratch.dir.resolve("sshd/known_hosts")
                            + "\n");
            assertPart(found, "FAIL  destination dead: unable to download ");
            assertLine(
                    found,
                    "      fix: start the server, or open the way to it: curl -I http://127.0.0.1:1/");
            assertPart(found, "FAIL  destination outside: creating directory '/proc/nowhere");
            assertLine(found, "               ReadWritePaths=/proc/nowhere/cache");
            assertPart(found, "FAIL  destination none: there is no such program\n");
            assertFalse(found.output().contains("Exception"), found::output);
        }
    }

    @Test
    void sshKeyUnknownToTheServerIsShownWithItsPublicHalf() throws Exception {
        try (Sshd sshd = new Sshd(scratch).start()) {
            String other = scratch.dir.resolve("other").toString();
            scratch.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", other);
            Path used = scratch.dir.resolve("sshd/client");
            Files.copy(Path.of(other), used, StandardCopyOption.REPLACE_EXISTING);
            Files.delete(Path.of(used + ".pub"));
            scratch.set("NPBHQ_UPLOAD_TO", "there=" + sshd.url().replace("ssh:", "ssh-ng:"));
            World.Result found = check("--upload");
            assertEquals(1, found.status(), found::toString);
            String half = Files.readString(Path.of(other + ".pub")).strip();
            assertLine(found, "pass  SSH key: its public half is " + half);
            assertPart(found, "FAIL  destination there: ");
            assertPart(found, "Permission denied (");
            assertLine(
                    found,
                    "           authorized_keys of "
                            + System.getProperty("user.name")
                            + " at 127.0.0.1");
            assertFalse(found.output().contains("destination there: test upload"), found::output);
        }
    }

    @Test
    void programGetsTheTestPathOnlyWithUpload() throws Exception {
        Path seen = scratch.dir.resolve("seen");
        Path program = scratch.script("push", "#!/bin/sh\necho \"$OUT_PATHS\" >" + seen + "\n");
        scratch.set("NPBHQ_UPLOAD_TO", "mine=exec:" + program);
        World.Result without = check();
        assertEquals(0, without.status(), without::toString);
        assertLine(without, "pass  destination mine: can be executed; --upload would do so");
        assertFalse(Files.exists(seen));
        World.Result with = check("--upload");
        assertEquals(0, with.status(), with::toString);
        assertPart(with, "pass  destination mine: test upload: the program took it, ");
        assertTrue(Files.readString(seen).endsWith("-nix-post-build-hook-queue-check\n"));
        scratch.script("push", "#!/bin/sh\necho no such bucket; exit 1\n");
        World.Result refused = check("--upload");
        assertEquals(1, refused.status(), refused::toString);
        assertLine(refused, "FAIL  destination mine: test upload: no such bucket");
    }

    @Test
    void missingHookAndRootsHaveFixes() throws Exception {
        scratch.configure("post-build-hook =");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + scratch.dir.resolve("binary"));
        scratch.set("NPBHQ_GCROOTS_DIR", "/proc/nowhere");
        scratch.set("NPBHQ_UPLOAD_T", "x");
        World.Result found = check();
        assertEquals(1, found.status(), found::toString);
        assertPart(
                found,
                "FAIL  hook: Nix has no post-build-hook, so builds queue nothing\n"
                        + "      fix: put this line into /etc/nix/nix.conf, and restart nix-daemon:\n"
                        + "           post-build-hook = ");
        assertPart(found, "FAIL  GC roots: /proc/nowhere is not a folder");
        assertPart(found, "warn  settings: unknown setting NPBHQ_UPLOAD_T (ignored)\n");
        assertPart(found, "warn  queue: "); // as `status` has it
        assertPart(found, "note  signing key: none is set, so the worker signs nothing\n");
        assertPart(found, "compresses with xz, slowly; ?compression=zstd is fast\n");
        scratch.set("NPBHQ_GCROOTS_DIR", scratch.roots);
        scratch.configure("post-build-hook = " + scratch.program.hook());
        found = check();
        assertEquals(0, found.status(), found::toString);
        assertTrue(
                found.output()
                        .endsWith(
                                "all 8 checks passed, 1 warning;"
                                        + " check --upload also sends a tiny path\n"),
                found::toString);
    }

    @Test
    void eachWrongSettingIsAFailure() throws Exception {
        scratch.set("NPBHQ_UPLOAD_TO", "nowhere").set("NPBHQ_BATCH_SIZE", "none");
        World.Result found = checkWithoutWorker();
        assertEquals(1, found.status(), found::toString);
        assertPart(found, "FAIL  settings: NPBHQ_UPLOAD_TO: not a Nix store URL");
        assertLine(
                found,
                "FAIL  settings: NPBHQ_BATCH_SIZE: not a whole number from 1 to 10000: none");
        assertEquals(
                "nix-post-build-hook-queue: 2 of 2 checks failed; no other check was run\n",
                found.errors());
    }

    private World.Result checkWithoutWorker() throws IOException {
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            World.Result found = scratch.client("check");
            assertTrue(worker.log().contains("NPBHQ_BATCH_SIZE"), worker::log);
            return found;
        }
    }

    @Test
    void childrenEndWhenTheClientDisconnects() throws Exception {
        Path asked = scratch.dir.resolve("asked");
        Path nix = scratch.script("nix", "#!/bin/sh\necho $$ >>" + asked + "\nexec sleep 600\n");
        scratch.script("nix-store", "#!/bin/sh\nexec sleep 600\n");
        scratch.set("NPBHQ_NIX", nix);
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + scratch.dir.resolve("binary"));
        try (WorkerProcess worker = WorkerProcess.start(scratch)) {
            try (var client = new Client(scratch.socket)) {
                client.send("check\n");
                World.eventually(
                        Duration.ofSeconds(30),
                        "Nix is asked",
                        () -> !World.text(asked).isEmpty() && worker.children() > 0);
            }
            World.eventually(
                    Duration.ofSeconds(30), "the children end", () -> worker.children() == 0);
            assertTrue(worker.ask("status").startsWith("ok"), "and the worker works on");
        }
    }
}
