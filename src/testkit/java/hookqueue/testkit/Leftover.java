package hookqueue.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Finds the processes of a world by their environment: the worker, its children and its hooks. */
public final class Leftover {
    private Leftover() {}

    private static final String CHILD = "NPBHQ_CHILD=";

    /** All processes of the world, as "PID NAME". */
    public static List<String> all(Path world) throws IOException {
        return find(world, environment -> true);
    }

    /** The worker's child processes and their descendants. */
    public static List<String> of(Path world) throws IOException {
        return find(world, environment -> environment.contains(CHILD));
    }

    /** Whether a process runs. A zombie does not. */
    public static boolean runs(String pid) {
        return !pid.isEmpty() && !read(Path.of("/proc", pid, "environ")).isEmpty();
    }

    private static List<String> find(Path world, Predicate<String> which) throws IOException {
        var found = new ArrayList<String>();
        try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                String environment = read(process.resolve("environ"));
                if (which.test(environment)
                        && environment.contains("NPBHQ_STATE_DIR=" + world + "/")) {
                    found.add(process.getFileName() + " " + read(process.resolve("comm")).strip());
                }
            }
        }
        return found;
    }

    /** Kills the child processes. Repeats that, because they may start others meanwhile. */
    public static void kill(Path world) throws IOException {
        List<String> found;
        do {
            found = of(world);
            kill(found);
        } while (!found.isEmpty());
    }

    /** Kills the hooks and all that they started. */
    public static void killHooks(Path world) throws IOException {
        List<String> found;
        do {
            found =
                    find(
                            world,
                            environment ->
                                    environment.contains("OUT_PATHS=")
                                            && !environment.contains(CHILD));
            kill(found);
        } while (!found.isEmpty());
    }

    private static void kill(List<String> processes) {
        for (String each : processes) {
            ProcessHandle.of(Long.parseLong(each.split(" ")[0]))
                    .ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // the process has ended
        }
    }
}
