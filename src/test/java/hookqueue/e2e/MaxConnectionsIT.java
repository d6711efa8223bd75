package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code max-connections=} in the URL of an ssh destination, which hangs Nix 2.8 and 2.26. */
@Timeout(180)
class MaxConnectionsIT {
    static List<String> versions() {
        return NixVersions.all();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void theWorkerWarnsAndEndsAChildThatHangsAndStatusSaysWhatToChange(String version)
            throws Exception {
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
                World.eventually(
                        Duration.ofSeconds(20),
                        "the worker warns",
                        () -> worker.log().contains(url + ": max-connections hangs Nix"));
                World.eventually(
                        Duration.ofSeconds(60),
                        "the other destination gets all",
                        () -> paths.stream().allMatch(path -> World.has(cache, path)));
                World.eventually(
                        Duration.ofSeconds(60),
                        "the paths arrive, or the child is ended",
                        () ->
                                paths.stream().allMatch(sshd::has)
                                        || worker.log().contains("so it was ended"));
                if (!paths.stream().allMatch(sshd::has)) {
                    World.eventually(
                            Duration.ofSeconds(60),
                            "status says that the destination is down, and why",
                            () ->
                                    String.join("\n", worker.lines("status"))
                                            .matches(
                                                    "(?s).*is down since.*no progress for 3.*"
                                                            + "hint: .* stalls.*"));
                }
                assertFalse(worker.log().contains(" (attempt "), worker::log);
                assertEquals(List.of("ok"), worker.lines("failed"), worker::log);
            }
        }
    }
}
