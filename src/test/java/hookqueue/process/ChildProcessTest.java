package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.nix.Progress;
import hookqueue.testkit.World;
import java.io.FileInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a child starts, and what is read from it. */
@Timeout(60)
class ChildProcessTest {
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SOON = Duration.ofSeconds(30);

    private final Scripts scripts = new Scripts();

    @AfterEach
    void noProcessIsLeftRunning() throws IOException {
        scripts.assertNoneIsLeft();
    }

    @Test
    void outputAndErrorsComeLineByLineAndTheStatusLast() {
        ExitResult ending = scripts.run(LONG, "echo one; echo two >&2; printf three; exit 3");
        assertEquals(new ExitResult.Exited(3), ending);
        assertEquals(List.of("one", "two", "three"), scripts.lines);
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
        command.addAll(List.of(scripts.forever.split(" ")));
        Process worker = new ProcessBuilder(command).inheritIO().start();
        try {
            World.eventually(SOON, "the child runs", () -> !scripts.running().isEmpty());
        } finally {
            worker.destroyForcibly().waitFor();
        }
        World.eventually(SOON, "the child ends", () -> scripts.running().isEmpty());
    }

    @Test
    void aTiedChildEndsWithTheCallingThread() throws Exception {
        var ending = new AtomicReference<ExitResult>();
        var thread =
                new Thread(() ->
                        ending.set(
                                new ChildProcess(LONG)
                                        .runTied(
                                                List.of(scripts.forever.split(" ")),
                                                Map.of(),
                                                scripts.lines::add)));
        thread.start();
        World.eventually(SOON, "the child runs", () -> !scripts.running().isEmpty());
        thread.interrupt();
        thread.join();
        assertEquals(new ExitResult.Cancelled(), ending.get());
        World.eventually(SOON, "the child ends", () -> scripts.running().isEmpty());
    }

    @Test
    void standardOutputIsReadSeparatelyFromMessages() {
        var answer = new StringBuilder();
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "echo warning >&2; printf '%s' '[1]'; exit 0"),
                                Map.of(),
                                scripts.lines::add,
                                text -> answer.append(text.readAllAsString()));
        assertEquals(new ExitResult.Exited(0), ending);
        assertEquals("[1]", answer.toString());
        assertEquals(List.of("warning"), scripts.lines);
    }

    @Test
    void anUnparsableAnswerIsReadToItsEndAndReported() {
        ExitResult ending =
                new ChildProcess(LONG)
                        .ask(
                                List.of("sh", "-c", "head -c 10000000 /dev/zero"),
                                Map.of(),
                                scripts.lines::add,
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
                                scripts.lines::add,
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
                                    scripts.lines::add,
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
                                scripts.lines::add,
                                text -> {
                                    throw new IOException("half");
                                });
        assertEquals(new ExitResult.Exited(3), ending);
    }

    @Test
    void aSignalIsAStatusAsInAShell() {
        assertEquals(new ExitResult.Exited(137), scripts.run(LONG, "kill -9 $$"));
    }

    @Test
    void argumentsReachTheChildAsTheyAre() {
        List<String> odd = List.of("printf", "%s\\n", "a b", "$HOME", "", "*", "'\"");
        new ChildProcess(LONG).run(odd, Map.of(), scripts.lines::add);
        assertEquals(List.of("a b", "$HOME", "", "*", "'\""), scripts.lines);
    }

    @Test
    void theChildGetsTheWorkersEnvironmentAndAddedVariables() {
        List<String> command = List.of("sh", "-c", "echo $PATH; echo $OUT_PATHS");
        new ChildProcess(LONG).run(command, Map.of("OUT_PATHS", "a b"), scripts.lines::add);
        assertEquals(List.of(System.getenv("PATH"), "a b"), scripts.lines);
    }

    @Test
    void standardInputIsEmpty() {
        assertEquals(new ExitResult.Exited(0), scripts.run(LONG, "readlink /proc/$$/fd/0; cat"));
        assertEquals(List.of("/dev/null"), scripts.lines);
    }

    @Test
    void noDescriptorOfTheWorkerIsInherited() throws IOException {
        try (var one = new FileInputStream("/dev/zero");
                var two = new FileInputStream("/dev/zero")) {
            assertTrue(one.read() == 0 && two.read() == 0);
            scripts.run(
                    LONG,
                    "n=3; while [ $n -lt 1024 ]; do readlink /proc/$$/fd/$n; n=$((n + 1)); done");
        }
        assertEquals(List.of(), scripts.lines);
    }

    @Test
    void aProgramThatCannotStartIsReportedWithTheReason() {
        var ending =
                assertInstanceOf(
                        ExitResult.NotStarted.class,
                        new ChildProcess(LONG)
                                .run(List.of("/no/such"), Map.of(), scripts.lines::add));
        assertTrue(ending.reason().contains("/no/such"), ending.reason());
    }

    @Test
    void anInterruptEndsTheChildAndKeepsTheInterruptFlag() throws InterruptedException {
        var up = new CountDownLatch(1);
        var ending = new AtomicReference<ExitResult>();
        var interrupted = new AtomicBoolean();
        var thread =
                new Thread(() -> {
                    ending.set(
                            scripts.run(
                                    LONG, "echo up; " + scripts.forever, line -> up.countDown()));
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
        ExitResult ending = scripts.run(LONG, "head -c 100000000 /dev/zero | tr '\\0' x");
        assertEquals(new ExitResult.Exited(0), ending);
        assertEquals(1, scripts.lines.size());
        assertEquals(64 * 1024, scripts.lines.getFirst().length());
    }

    @Test
    void aHundredMegabytesInManyLinesTakeLittleMemory() {
        var progress = new Progress();
        var count = new AtomicInteger();
        ExitResult ending =
                scripts.run(
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
}
