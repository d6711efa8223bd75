package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The processes that a child has started end with it. */
@Timeout(60)
class DescendantsTest {
    private static final Duration LONG = Duration.ofSeconds(50);

    private final Scripts scripts = new Scripts();

    @AfterEach
    void noProcessIsLeftRunning() throws IOException {
        scripts.assertNoneIsLeft();
    }

    @Test
    void anOrphanedGrandchildIsEnded() {
        assertEquals(new ExitResult.Exited(0), scripts.run(LONG, scripts.forever + " & exit 0"));
    }

    @Test
    void aGrandchildInASessionOfItsOwnIsEnded() {
        assertEquals(
                new ExitResult.Exited(0),
                scripts.run(
                        LONG,
                        Scripts.setsid() + "sh -c '" + scripts.forever + " & exit 0' & wait"));
    }

    @Test
    void aGrandchildWithoutItsParentsDescriptorsIsEnded() {
        assertEquals(
                new ExitResult.Exited(0),
                scripts.run(
                        LONG,
                        "(cd /; "
                                + Scripts.setsid()
                                + scripts.forever
                                + " >/dev/null 2>&1 </dev/null &) ; exit 0"));
    }

    @Test
    void aGrandchildWithALongEnvironmentIsEnded() {
        var environment =
                Map.of("A", "x".repeat(100_000), "B", "x".repeat(100_000), "Z", "x".repeat(9));
        var child = new ChildProcess(LONG);
        List<String> command =
                List.of("sh", "-c", Scripts.setsid() + scripts.forever + " & exit 0");
        assertEquals(new ExitResult.Exited(0), child.run(command, environment, scripts.lines::add));
    }

    @Test
    void aGrandchildThatIgnoresSigtermIsKilled() {
        ExitResult ending =
                scripts.run(
                        LONG, "trap '' TERM; " + Scripts.setsid() + scripts.forever + " & exit 4");
        assertEquals(new ExitResult.Exited(4), ending);
    }

    /** Each process starts the next one in a new session and exits, faster than a scan finds it. */
    @Test
    void theLastOfAChainOfShortLivedProcessesIsEnded(@TempDir Path folder) throws Exception {
        Path chain = folder.resolve("chain");
        Files.writeString(
                chain,
                ("[ $1 -gt 0 ] || exec " + scripts.forever + "\n")
                        + Scripts.setsid()
                        + "sh $0 $(($1 - 1)) >/dev/null 2>&1 </dev/null & exit 0\n");
        for (int n = 0; n < 20; n++) {
            assertEquals(new ExitResult.Exited(0), scripts.run(LONG, "exec sh " + chain + " 15"));
        }
        Thread.sleep(Duration.ofSeconds(1)); // time for a surviving chain to reach its end
        scripts.assertNoneIsLeft();
    }

    /**
     * A process in the middle of {@code execve(2)} has no environment either, and is waited for.
     */
    @Test
    void aForeignProcessWithoutAnEnvironmentIsNeitherEndedNorWaitedFor() throws IOException {
        Process another = new ProcessBuilder("env", "-i", Tools.find("sleep"), "50").start();
        try {
            long start = System.nanoTime();
            assertEquals(new ExitResult.Exited(0), scripts.run(LONG, "exit 0"));
            long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            assertTrue(millis < 3_000, () -> millis + " ms");
            assertTrue(another.isAlive());
        } finally {
            another.destroyForcibly();
        }
    }
}
