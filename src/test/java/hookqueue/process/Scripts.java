package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import hookqueue.testkit.Tools;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Runs shell scripts as children, and finds in {@code /proc} those that sleep forever. */
final class Scripts {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** A command that no other process has. */
    final String forever =
            "sleep 8640" + ProcessHandle.current().pid() + "." + COUNT.incrementAndGet();

    /** What they have printed. */
    final List<String> lines = Collections.synchronizedList(new ArrayList<>());

    ExitResult run(Duration stall, String script) {
        return run(stall, script, lines::add);
    }

    ExitResult run(Duration stall, String script, Consumer<String> output) {
        return new ChildProcess(stall).run(List.of("sh", "-c", script), Map.of(), output);
    }

    static String setsid() {
        return Tools.find("setsid") + " ";
    }

    /** Without the shell and the worker that name it among their arguments. */
    List<String> running() throws IOException {
        return processes(command -> command.startsWith(forever));
    }

    void assertNoneIsLeft() throws IOException {
        assertEquals(List.of(), processes(command -> command.contains(forever)));
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
