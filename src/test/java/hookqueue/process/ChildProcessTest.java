package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.nix.Progress;
import hookqueue.testkit.Tools;
import hookqueue.testkit.World;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real children; each sleeps for a distinctive number of seconds, to find it in {@code /proc}. */
@Timeout(60)
class ChildProcessTest {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SOON = Duration.ofSeconds(30);

    private final String forever =
            "sleep 8640" + ProcessHandle.current().pid() + "." + COUNT.incrementAndGet();
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void noProcessIsLeftRunning() throws IOException {
        assertEquals(List.of(), processes(command -> command.contains(forever)));
    }

    @Test
    void outputAndErrorsComeLineByLineAndTheStatusLast() {
        ExitResult ending = run(LONG, "echo one; echo two >&2; printf three; exit 3");
        assertEquals(new ExitResult.Exited(3), ending);
        assertEquals(List.of("one", "two", "three"), lines);
    }

    /** A worker that runs a command until it is killed. */
    static final class Worker {
        private Worker() {}

        public static void main(String[] command) {
            new ChildProcess(Duration.ofDays(1)).runTied(List.of(command), Map.of(), line -> {});
        }
    }

    @Test
    void aTiedChildEndsWhenTheWorkerIsKilled() throws Exception {
        var command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Worker.class.getName()));
        command.addAll(List.of(forever.split(" ")));
        Process worker = new ProcessBuilder(command).inheritIO().start();
        try {
            World.eventually(SOON, "the child runs", () -> !running(forever).isEmpty());
        } finally {
            worker.destroyForcibly().waitFor();
        }
        World.eventually(SOON, "the child ends", () -> running(forever).isEmpty());
    }

    @Test
    void aTiedChildEndsWithTheCallingThread() throws Exception {
        var ending = new AtomicReference<ExitResult>();
        var thread =
                new Thread(() ->
                        ending.set(
                                new ChildProcess(LONG)
                                        .runTied(
                                                List.of(forever.split(" ")),
                                                Map.of(),
                                                lines::add)));
        thread.start();
        World.eventually(SOON, "the child runs", () -> !running(forever).isEmpty());
        thread.interrupt();
        thread.join();
        assertEquals(new ExitResult.Cancelled(), ending.get());
        World.eventually(SOON, "the child ends", () -> running(forever).isEmpty());
    }

    @Test
    void standardOutputIsReadSeparatelyFromMessages() {
        var answer = new StringBuilder();
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "echo warning >&2; printf '%s' '[1]'; exit 0"),
                                Map.of(),
                                lines::add,
                                text -> answer.append(text.readAllAsString()));
        assertEquals(new ExitResult.Exited(0), ending);
        assertEquals("[1]", answer.toString());
        assertEquals(List.of("warning"), lines);
    }

    @Test
    void anUnparsableAnswerIsReadToItsEndAndReported() {
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "head -c 10000000 /dev/zero"),
                                Map.of(),
                                lines::add,
                                text -> {
                                    throw new IOException("begins with " + text.read());
                                });
        assertEquals(new ExitResult.Unreadable("begins with 0"), ending);
    }

    @Test
    void anAnswerThatIsReadTooSlowlyIsNotTakenForComplete() {
        var ended = new CountDownLatch(1);
        var interrupted = new AtomicReference<InterruptedException>();
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "echo one; echo two"),
                                Map.of(),
                                lines::add,
                                text -> {
                                    try {
                                        ended.await();
                                    } catch (InterruptedException e) {
                                        interrupted.set(e);
                                    }
                                });
        ended.countDown();
        assertEquals(new ExitResult.Unreadable("its answer was not read to the end"), ending);
        assertNull(interrupted.get());
    }

    @Test
    void anAnswerWhoseReaderHasABugIsNotTakenForComplete() {
        var told = new AtomicReference<Throwable>();
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> told.set(thrown));
        try {
            ExitResult ending =
                    new ChildProcess(LONG)
                            .ask(
                                    List.of("true"),
                                    Map.of(),
                                    lines::add,
                                    text -> {
                                        throw new AssertionError("a bug");
                                    });
            assertEquals(new ExitResult.Unreadable("its answer was not read to the end"), ending);
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
        assertInstanceOf(AssertionError.class, told.get());
    }

    @Test
    void aFailedChildHasNoAnswer() {
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "echo half; exit 3"),
                                Map.of(),
                                lines::add,
                                text -> {
                                    throw new IOException("half");
                                });
        assertEquals(new ExitResult.Exited(3), ending);
    }

    @Test
    void aSignalIsAStatusAsInAShell() {
        assertEquals(new ExitResult.Exited(137), run(LONG, "kill -9 $$"));
    }

    @Test
    void argumentsReachTheChildAsTheyAre() {
        List<String> odd = List.of("printf", "%s\\n", "a b", "$HOME", "", "*", "'\"");
        new ChildProcess(LONG).run(odd, Map.of(), lines::add);
        assertEquals(List.of("a b", "$HOME", "", "*", "'\""), lines);
    }

    @Test
    void theChildGetsTheWorkersEnvironmentAndAddedVariables() {
        List<String> command = List.of("sh", "-c", "echo $PATH; echo $OUT_PATHS");
        new ChildProcess(LONG).run(command, Map.of("OUT_PATHS", "a b"), lines::add);
        assertEquals(List.of(System.getenv("PATH"), "a b"), lines);
    }

    @Test
    void standardInputIsEmpty() {
        assertEquals(new ExitResult.Exited(0), run(LONG, "readlink /proc/$$/fd/0; cat"));
        assertEquals(List.of("/dev/null"), lines);
    }

    @Test
    void noDescriptorOfTheWorkerIsInherited() throws IOException {
        try (var one = new FileInputStream("/dev/zero");
                var two = new FileInputStream("/dev/zero")) {
            assertTrue(one.read() == 0 && two.read() == 0);
            run(LONG, "n=3; while [ $n -lt 1024 ]; do readlink /proc/$$/fd/$n; n=$((n + 1)); done");
        }
        assertEquals(List.of(), lines);
    }

    @Test
    void aProgramThatCannotStartIsReportedWithTheReason() {
        var ending =
                assertInstanceOf(
                        ExitResult.NotStarted.class,
                        new ChildProcess(LONG).run(List.of("/no/such"), Map.of(), lines::add));
        assertTrue(ending.reason().contains("/no/such"), ending.reason());
    }

    @Test
    void aChildThatHangsIsEnded() {
        ExitResult ending = run(Duration.ofMillis(300), forever);
        assertEquals(new ExitResult.Stalled(Duration.ofMillis(300)), ending);
    }

    @Test
    void aChildWithOccasionalOutputIsNotEnded() {
        ExitResult ending =
                run(Duration.ofMillis(1500), "for n in 1 2 3 4; do sleep 0.5; echo $n; done");
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
                run(
                        Duration.ofMillis(1500),
                        "exec "
                                + Tools.find("perl")
                                + " -e '$| = 1; $end = time + 20; while (time < $end) {"
                                + " printf \""
                                + result
                                + "\", $_ for 1..100; select(undef, undef, undef, 0.01) }'");
        assertInstanceOf(ExitResult.Stalled.class, ending);
        assertTrue(lines.size() > 1_000, () -> lines.size() + " lines");
    }

    @Test
    void aChildThatReportsProgressIsNotEnded() {
        ExitResult ending =
                run(
                        Duration.ofMillis(1500),
                        "for n in 1 2 3 4; do sleep 0.5;"
                                + " echo \"@nix {\\\"action\\\":\\\"result\\\",\\\"fields\\\":[$n,9],\\\"id\\\":1,\\\"type\\\":105}\"; done");
        assertEquals(new ExitResult.Exited(0), ending);
    }

    @Test
    void aSilentChildThatMovesDataIsNotEnded() {
        String slowly = "sysread(F, $b, 100000), select(undef, undef, undef, 0.1) for 1..40";
        ExitResult ending =
                run(
                        Duration.ofMillis(2500),
                        setsid()
                                + Tools.find("perl")
                                + " -e 'open(F, \"</dev/zero\"); "
                                + slowly
                                + "' & wait");
        assertEquals(new ExitResult.Exited(0), ending);
    }

    @Test
    void aChildThatOnlyPollsIsEnded() {
        ExitResult ending = run(Duration.ofMillis(900), "while sleep 0.1; do :; done; " + forever);
        assertInstanceOf(ExitResult.Stalled.class, ending);
    }

    @Test
    void aChildThatIgnoresSigtermIsKilledAfterTheGracePeriod() {
        long start = System.nanoTime();
        ExitResult ending =
                run(Duration.ofMillis(300), "trap '' TERM; while :; do " + forever + "; done");
        assertInstanceOf(ExitResult.Stalled.class, ending);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        assertTrue(seconds >= 5 && seconds < 15, () -> seconds + " s");
    }

    @Test
    void aChildThatEndsOnSigtermMayPrintAReason() {
        run(
                Duration.ofMillis(500),
                "trap 'echo sorry; exit 1' TERM; echo up; " + forever + " & wait");
        assertEquals(List.of("up", "sorry"), lines);
    }

    @Test
    void anOrphanedGrandchildIsEnded() {
        assertEquals(new ExitResult.Exited(0), run(LONG, forever + " & exit 0"));
    }

    @Test
    void aGrandchildInASessionOfItsOwnIsEnded() {
        assertEquals(
                new ExitResult.Exited(0),
                run(LONG, setsid() + "sh -c '" + forever + " & exit 0' & wait"));
    }

    @Test
    void aGrandchildWithoutItsParentsDescriptorsIsEnded() {
        assertEquals(
                new ExitResult.Exited(0),
                run(
                        LONG,
                        "(cd /; "
                                + setsid()
                                + forever
                                + " >/dev/null 2>&1 </dev/null &) ; exit 0"));
    }

    @Test
    void aGrandchildWithALongEnvironmentIsEnded() {
        var environment =
                Map.of("A", "x".repeat(100_000), "B", "x".repeat(100_000), "Z", "x".repeat(9));
        var child = new ChildProcess(LONG);
        List<String> command = List.of("sh", "-c", setsid() + forever + " & exit 0");
        assertEquals(new ExitResult.Exited(0), child.run(command, environment, lines::add));
    }

    @Test
    void aGrandchildThatIgnoresSigtermIsKilled() {
        ExitResult ending = run(LONG, "trap '' TERM; " + setsid() + forever + " & exit 4");
        assertEquals(new ExitResult.Exited(4), ending);
    }

    /** Each process starts the next one in a new session and exits, faster than a scan finds it. */
    @Test
    void theLastOfAChainOfShortLivedProcessesIsEnded(@TempDir Path folder) throws Exception {
        Path chain = folder.resolve("chain");
        Files.writeString(
                chain,
                ("[ $1 -gt 0 ] || exec " + forever + "\n")
                        + setsid()
                        + "sh $0 $(($1 - 1)) >/dev/null 2>&1 </dev/null & exit 0\n");
        for (int n = 0; n < 20; n++) {
            assertEquals(new ExitResult.Exited(0), run(LONG, "exec sh " + chain + " 15"));
        }
        Thread.sleep(Duration.ofSeconds(1)); // time for a surviving chain to reach its end
        assertEquals(List.of(), processes(command -> command.contains(forever)));
    }

    /**
     * A process in the middle of {@code execve(2)} has no environment either, and is waited for.
     */
    @Test
    void aForeignProcessWithoutAnEnvironmentIsNeitherEndedNorWaitedFor() throws IOException {
        Process another = new ProcessBuilder("env", "-i", Tools.find("sleep"), "50").start();
        try {
            long start = System.nanoTime();
            assertEquals(new ExitResult.Exited(0), run(LONG, "exit 0"));
            long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            assertTrue(millis < 3_000, () -> millis + " ms");
            assertTrue(another.isAlive());
        } finally {
            another.destroyForcibly();
        }
    }

    @Test
    void anInterruptEndsTheChildAndKeepsTheInterruptFlag() throws InterruptedException {
        var up = new CountDownLatch(1);
        var ending = new AtomicReference<ExitResult>();
        var interrupted = new AtomicBoolean();
        var thread =
                new Thread(() -> {
                    ending.set(run(LONG, "echo up; " + forever, line -> up.countDown()));
                    interrupted.set(Thread.currentThread().isInterrupted());
                });
        thread.start();
        assertTrue(up.await(30, TimeUnit.SECONDS));
        thread.interrupt();
        thread.join(Duration.ofSeconds(30));
        assertEquals(new ExitResult.Cancelled(), ending.get());
        assertTrue(interrupted.get());
    }

    @Test
    void aHundredMegabytesInOneLineTakeLittleMemory() {
        ExitResult ending = run(LONG, "head -c 100000000 /dev/zero | tr '\\0' x");
        assertEquals(new ExitResult.Exited(0), ending);
        assertEquals(1, lines.size());
        assertEquals(64 * 1024, lines.getFirst().length());
    }

    @Test
    void aHundredMegabytesInManyLinesTakeLittleMemory() {
        var progress = new Progress();
        var count = new AtomicInteger();
        ExitResult ending =
                run(
                        LONG,
                        "yes 'so many words and nothing said at all, again and again' | head -c 100000000",
                        line -> {
                            count.incrementAndGet();
                            progress.accept(line);
                        });
        assertEquals(new ExitResult.Exited(0), ending);
        assertTrue(count.get() > 1_000_000, () -> count + " lines");
        assertTrue(progress.complaint().length() < 100_000);
    }

    private static String setsid() {
        return Tools.find("setsid") + " ";
    }

    private ExitResult run(Duration stall, String script) {
        return run(stall, script, lines::add);
    }

    private static ExitResult run(Duration stall, String script, Consumer<String> output) {
        return new ChildProcess(stall).run(List.of("sh", "-c", script), Map.of(), output);
    }

    /** Without the shell and the worker that name it among their arguments. */
    private static List<String> running(String words) throws IOException {
        return processes(command -> command.startsWith(words));
    }

    /** The command lines of running processes; a zombie has none. */
    private static List<String> processes(Predicate<String> wanted) throws IOException {
        var found = new ArrayList<String>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                String command = commandOf(process);
                if (wanted.test(command)) {
                    found.add(process.getFileName() + " " + command);
                }
            }
        }
        return found;
    }

    private static String commandOf(Path process) {
        try {
            return Files.readString(process.resolve("cmdline")).replace('\0', ' ');
        } catch (IOException e) {
            return ""; // it has ended in the meantime
        }
    }
}
