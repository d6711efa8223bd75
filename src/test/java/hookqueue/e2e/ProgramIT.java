package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Misbehaving programs as destinations: the worker survives, and the path is deferred. */
@Timeout(120)
class ProgramIT {
    @ParameterizedTest
    @CsvSource({
        "hangs, no progress for 1.0s",
        "floods, 0000000000",
        "is-stubborn, no progress for 1.0s",
        "leaves, exited with status 3"
    })
    void aProgramIsEndedAndItsPathIsDeferredWhenIt(String does, String reason) throws Exception {
        try (var scratch = new World()) {
            Path told = scratch.dir.resolve("told");
            Path left = scratch.dir.resolve("left");
            Path program =
                    scratch.script(
                            "program",
                            """
                            #!/bin/sh
                            case $1 in
                                *-hangs-0) exec sleep 1000 ;;
                                *-floods-0) yes "$(printf '%01000d' 0)" | head -c 100000000; exit 1 ;;
                                *-is-stubborn-0) trap '' TERM; while :; do sleep 1; done ;;
                                *-leaves-0) setsid sh -c 'echo > LEFT; exec sleep 1000' & while [ ! -e LEFT ]; do sleep 0.1; done; exit 3 ;;
                            esac
                            echo "$1" >> TOLD
                            """
                                    .replace("LEFT", left.toString())
                                    .replace("TOLD", told.toString()));
            scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program)
                    .set("NPBHQ_BATCH_SIZE", "1")
                    .set("NPBHQ_STALL_TIMEOUT", "1s");
            String good = scratch.build("good", 1).getFirst();
            String bad = scratch.build(does, 1).getFirst();
            try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
                assertEquals("", scratch.hook(good).errors());
                assertEquals("", scratch.hook(bad).errors());
                World.eventually(
                        Duration.ofSeconds(60),
                        "the good one was told of, the bad one was put off",
                        () -> deferred(scratch).size() == 1 && World.text(told).contains(good));
                assertEquals(0, scratch.client("pause").status());
                World.eventually(
                        Duration.ofSeconds(40),
                        "nothing is left running",
                        () -> others(scratch, worker.pid()).isEmpty());
                String list = scratch.client("list").output();
                assertTrue(list.startsWith(bad) && list.contains(reason), list);
                assertEquals(does.equals("leaves"), Files.exists(left), "it did leave a process");
                assertEquals("", scratch.client("failed").output());
                assertEquals(1, World.names(scratch.roots).size());
                assertTrue(worker.log().length() < 5_000_000, "the journal is not flooded");
                assertEquals(0, worker.terminate());
            }
        }
    }

    private static List<String> deferred(World scratch) {
        try {
            return scratch.client("list")
                    .output()
                    .lines()
                    .filter(line -> line.contains("deferred"))
                    .toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** The command lines of processes with this queue's environment, without the worker. */
    private static List<String> others(World scratch, long worker) {
        var found = new ArrayList<String>();
        for (String id : World.names(Path.of("/proc"))) {
            if (!id.matches("[0-9]+") || id.equals(Long.toString(worker))) {
                continue;
            }
            Path process = Path.of("/proc", id);
            if (read(process.resolve("environ")).contains("HOME=" + scratch.dir)) {
                found.add(id + " " + read(process.resolve("cmdline")).replace('\0', ' '));
            }
        }
        return found;
    }

    /** Empty if the process has ended or is a kernel thread. */
    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
