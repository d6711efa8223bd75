package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code max-connections=} in the URL of an ssh destination, which hangs Nix 2.8 and 2.26. */
@Timeout(180)
class MaxConnectionsIT {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Duration LATE = Duration.ofSeconds(60);
    private static final String ENDED = "no progress for 3.0s, so it was ended";
    private static final String DOWN = "(?s).*is down since.*no progress for 3.*hint: .* stalls.*";

    static List<String> versions() {
        return NixVersions.all();
    }

    /** The hang is a race in Nix. Both ends have to be what the worker promises of them. */
    @ParameterizedTest
    @MethodSource("versions")
    void theWorkerWarnsAndThePathsArriveOrTheHungChildIsEnded(String version) throws Exception {
        try (var scratch = new World();
                var sshd = new Sshd(scratch)) {
            sshd.start();
            Path cache = scratch.dir.resolve("cache");
            String url = sshd.url() + "?max-connections=4";
            scratch.set("NPBHQ_UPLOAD_TO", url + " file://" + cache)
                    .set("NPBHQ_NIX", NixVersions.outside(version, scratch))
                    .set("NPBHQ_STALL_TIMEOUT", "3s");
            List<String> paths = scratch.build("connections", 8);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                warns(worker, url);
                World.eventually(
                        LATE,
                        "the other destination gets all",
                        () -> paths.stream().allMatch(path -> World.has(cache, path)));
                World.eventually(
                        LATE,
                        "the paths arrive, or the child is ended",
                        () -> isEmpty(worker) || worker.log().contains(ENDED));
                if (worker.log().contains(ENDED)) {
                    isDown(worker);
                    assertFalse(version.equals("nix-sid"), "Nix 2.34 does not hang");
                } else {
                    assertTrue(paths.stream().allMatch(sshd::has), worker::log);
                }
                nothingIsBlamed(worker);
            }
        }
    }

    /** A Nix that always hangs. */
    @Test
    void aHungChildIsEndedAndStatusSaysWhatToChangeAndTheLaneGoesOn() throws Exception {
        try (var scratch = new World()) {
            var nix = new FakeNix(scratch);
            nix.set("far", FakeNix.Mode.STUCK);
            String url = "ssh://localhost/far?max-connections=4";
            scratch.set("NPBHQ_UPLOAD_TO", url).set("NPBHQ_STALL_TIMEOUT", "3s");
            List<String> paths = scratch.made("connections", 8);
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(paths.toArray(String[]::new)).errors());
                warns(worker, url);
                World.eventually(LATE, "the child is ended", () -> worker.log().contains(ENDED));
                isDown(worker);
                nothingIsBlamed(worker);
                nix.set("far", FakeNix.Mode.UP);
                worker.ask("retry");
                World.eventually(LATE, "the paths arrive", () -> isEmpty(worker));
                assertEquals(8, nix.delivered().size(), worker::log);
            }
        }
    }

    private static void warns(WorkerProcess worker, String url) {
        World.eventually(
                SOON,
                "the worker warns",
                () -> worker.log().contains(url + ": max-connections hangs Nix"));
    }

    private static void isDown(WorkerProcess worker) {
        World.eventually(
                LATE,
                "status says that the destination is down, and why",
                () -> String.join("\n", worker.lines("status")).matches(DOWN));
    }

    private static boolean isEmpty(WorkerProcess worker) throws IOException {
        return worker.lines("list").equals(List.of("ok"));
    }

    private static void nothingIsBlamed(WorkerProcess worker) throws IOException {
        assertFalse(worker.log().contains(" (attempt "), worker::log);
        assertEquals(List.of("ok"), worker.lines("failed"), worker::log);
    }
}
