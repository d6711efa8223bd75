package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Tools;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a child counts as stalled, and how it is ended. */
@Timeout(60)
class StalledChildTest {
    private final Scripts scripts = new Scripts();

    @AfterEach
    void noProcessIsLeftRunning() throws IOException {
        scripts.assertNoneIsLeft();
    }

    @Test
    void aChildThatHangsIsEnded() {
        ExitResult ending = scripts.run(Duration.ofMillis(300), scripts.forever);
        assertEquals(new ExitResult.Stalled(Duration.ofMillis(300)), ending);
    }

    @Test
    void aChildWithOccasionalOutputIsNotEnded() {
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(1500), "for n in 1 2 3 4; do sleep 0.5; echo $n; done");
        assertEquals(new ExitResult.Exited(0), ending);
    }

    /**
     * Nix prints this ten times a second while no data arrives; here more often, to make many
     * bytes.
     */
    @Test
    void aChildThatRepeatsTheSameProgressIsEnded() {
        String result =
                "\\@nix {\\\"action\\\":\\\"result\\\",\\\"fields\\\":[0,0,0,0],\\\"id\\\":%d,\\\"type\\\":105}\\n";
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(1500),
                        "exec "
                                + Tools.find("perl")
                                + " -e '$| = 1; $end = time + 20; while (time < $end) {"
                                + " printf \""
                                + result
                                + "\", $_ for 1..100; select(undef, undef, undef, 0.01) }'");
        assertInstanceOf(ExitResult.Stalled.class, ending);
        assertTrue(scripts.lines.size() > 1_000, () -> scripts.lines.size() + " lines");
    }

    @Test
    void aChildThatReportsProgressIsNotEnded() {
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(1500),
                        "for n in 1 2 3 4; do sleep 0.5;"
                                + " echo \"@nix {\\\"action\\\":\\\"result\\\",\\\"fields\\\":[$n,9],\\\"id\\\":1,\\\"type\\\":105}\"; done");
        assertEquals(new ExitResult.Exited(0), ending);
    }

    @Test
    void aSilentChildThatMovesDataIsNotEnded() {
        String slowly = "sysread(F, $b, 100000), select(undef, undef, undef, 0.1) for 1..40";
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(2500),
                        Scripts.setsid()
                                + Tools.find("perl")
                                + " -e 'open(F, \"</dev/zero\"); "
                                + slowly
                                + "' & wait");
        assertEquals(new ExitResult.Exited(0), ending);
    }

    @Test
    void aChildThatOnlyPollsIsEnded() {
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(900), "while sleep 0.1; do :; done; " + scripts.forever);
        assertInstanceOf(ExitResult.Stalled.class, ending);
    }

    @Test
    void aChildThatIgnoresSigtermIsKilledAfterTheGracePeriod() {
        long start = System.nanoTime();
        ExitResult ending =
                scripts.run(
                        Duration.ofMillis(300),
                        "trap '' TERM; while :; do " + scripts.forever + "; done");
        assertInstanceOf(ExitResult.Stalled.class, ending);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        assertTrue(seconds >= 5 && seconds < 15, () -> seconds + " s");
    }

    @Test
    void aChildThatEndsOnSigtermMayPrintAReason() {
        scripts.run(
                Duration.ofMillis(500),
                "trap 'echo sorry; exit 1' TERM; echo up; " + scripts.forever + " & wait");
        assertEquals(List.of("up", "sorry"), scripts.lines);
    }
}
