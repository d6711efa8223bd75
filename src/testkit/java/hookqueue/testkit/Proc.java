package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What the kernel knows of a process. */
public final class Proc {
    private Proc() {}

    /** A line of /proc/PID/status, as VmRSS (kB), VmHWM (kB) or Threads; 0 when there is none. */
    public static long status(long pid, String name) throws IOException {
        try (var lines = Files.lines(Path.of("/proc", "" + pid, "status"))) {
            return lines.filter(line -> line.startsWith(name + ":"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElse(0);
        }
    }

    /** Memory that no other process shares, and a share of what is shared, in kB. */
    public static long proportional(long pid) throws IOException {
        try (var lines = Files.lines(Path.of("/proc", "" + pid, "smaps_rollup"))) {
            return lines.filter(line -> line.startsWith("Pss:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElse(0);
        }
    }

    public static long descriptors(long pid) throws IOException {
        try (var files = Files.list(Path.of("/proc", "" + pid, "fd"))) {
            return files.count();
        }
    }

    /** Time on a processor so far, of the process itself, in seconds. */
    public static double cpu(long pid) throws IOException {
        return ticks(pid, 11) + ticks(pid, 12);
    }

    /** The same, of its children that have ended. */
    public static double childrenCpu(long pid) throws IOException {
        return ticks(pid, 13) + ticks(pid, 14);
    }

    private static double ticks(long pid, int field) throws IOException {
        String stat = Files.readString(Path.of("/proc", "" + pid, "stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[field]) / 100.0;
    }

    /** Seconds on a processor by the names of its threads. */
    public static Map<String, Double> threads(long pid) throws IOException {
        var seconds = new TreeMap<String, Double>();
        try (var tasks = Files.list(Path.of("/proc", "" + pid, "task"))) {
            for (Path task : tasks.toList()) {
                try {
                    double ran =
                            Long.parseLong(
                                            Files.readString(task.resolve("schedstat"))
                                                    .split(" ")[0])
                                    / 1e9;
                    seconds.merge(Files.readString(task.resolve("comm")).strip(), ran, Double::sum);
                } catch (NoSuchFileException e) {
                    continue; // it has ended meanwhile
                }
            }
        }
        return seconds;
    }

    /** Of a file, or of all files in a folder; 0 when it is not there. */
    public static long size(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            long sum = 0;
            try (var files = Files.list(path)) {
                for (Path file : files.toList()) {
                    sum += size(file);
                }
            }
            return sum;
        }
        return Files.exists(path) ? Files.size(path) : 0;
    }
}
