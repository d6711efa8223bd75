package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An unusable signing key: no path is uploaded unsigned, the status shows the reason, and a repair
 * of the key suffices.
 */
@Timeout(120)
class SigningIT {
    private World scratch;
    private Path cache;
    private String publicKey;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        cache = scratch.dir.resolve("cache-of-mine");
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + cache);
        publicKey = scratch.signing();
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    /** The possible defects of a key, and their messages. */
    enum Flaw {
        CUT_SHORT("secret key is not valid"),
        NOT_A_KEY("corrupt"),
        NOT_THERE("cannot be read"),
        A_FOLDER("cannot be read");

        private final String reason;

        Flaw(String reason) {
            this.reason = reason;
        }

        void putInto(Path key) throws IOException {
            String good = Files.readString(key);
            Files.delete(key);
            switch (this) {
                case CUT_SHORT -> Files.writeString(key, good.substring(0, good.length() / 2));
                case NOT_A_KEY -> Files.writeString(key, "nonsense");
                case NOT_THERE -> {}
                case A_FOLDER -> Files.createDirectory(key);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void noPathIsUploadedUnsignedWhileTheKeyIs(Flaw flaw) throws Exception {
        String good = Files.readString(scratch.key);
        List<String> paths = scratch.build("key", 4);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals(0, scratch.client("version").status());
            flaw.putInto(scratch.key);
            assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
            World.eventually(
                    Duration.ofSeconds(30),
                    "signing is found down",
                    () -> worker.log().contains("sign: down since"));
            String status = scratch.client("status").output();
            assertTrue(status.contains("sign down"), status);
            assertTrue(status.contains(flaw.reason), status);
            assertTrue(paths.stream().noneMatch(path -> World.has(cache, path)), worker::log);
            assertEquals(4, World.names(scratch.roots).size());
            Files.deleteIfExists(scratch.key);
            Files.writeString(scratch.key, good);
            // without a retry command
            assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
            assertTrue(worker.log().contains("sign: works again"), worker::log);
            for (String path : paths) {
                assertTrue(World.text(narinfo(path)).contains("Sig: test-1:"), path);
            }
        }
    }

    private Path narinfo(String path) {
        return cache.resolve(Path.of(path).getFileName().toString().substring(0, 32) + ".narinfo");
    }

    /** Meanwhile the child process that signs the queued path succeeds each time. */
    @Test
    void aQueryForDependenciesThatFailsRepeatedlyIsLoggedOnceAndReleasesNoPath() throws Exception {
        Path nix =
                scratch.script(
                        "nix-without-answers",
                        """
                        #!/bin/sh
                        case "$*" in *path-info*--json*) echo 'error: no answer' >&2; exit 1 ;; esac
                        exec nix "$@"
                        """);
        scratch.set("NPBHQ_NIX", nix);
        String path = scratch.build("query", 1).getFirst();
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("", scratch.hook(path).errors());
            for (int tries = 1; tries <= 3; tries++) {
                int wanted = tries;
                World.eventually(
                        Duration.ofSeconds(30),
                        "sign is refused " + tries + " times",
                        () -> count(worker.log(), " not taken after ") >= wanted);
                scratch.client("retry");
            }
            assertEquals(1, count(worker.log(), "sign: this command failed"), worker::log);
            assertFalse(World.has(cache, path), worker::log);
        }
    }

    private static int count(String text, String part) {
        return text.split(Pattern.quote(part), -1).length - 1;
    }

    @Test
    void anSshNgDestinationAcceptsOnlyPathsSignedWithItsTrustedKey() throws Exception {
        try (var sshd = new Sshd(scratch)) {
            sshd.start();
            scratch.set("NPBHQ_UPLOAD_TO", sshd.url().replace("ssh://", "ssh-ng://"))
                    .set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", "");
            List<String> paths = scratch.build("trust", 3);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                World.eventually(
                        Duration.ofSeconds(30),
                        "it refuses what is not signed",
                        () -> worker.log().contains("lacks a valid signature"));
                assertEquals(0, worker.terminate());
            }
            scratch.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", scratch.key);
            scratch.configure("trusted-public-keys = " + publicKey);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                // queued before there was a key, but signed before the upload anyway
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                assertEquals(0, scratch.client("retry").status());
                assertEquals(0, scratch.client("wait", "timeout=60s").status(), worker::log);
                assertTrue(paths.stream().allMatch(sshd::knows), worker::log);
            }
        }
    }
}
