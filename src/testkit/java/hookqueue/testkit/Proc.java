package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's figures for a process. */
public final class Proc {
    private Proc() {}

    /** A line of /proc/PID/status, as VmRSS (kB), VmHWM (kB) or Threads. */
    public static long status(long pid, String name) throws IOException {
        return line(pid, "status", name);
    }

    /** The proportional set size in kB: private memory, and a share of shared memory. */
    public static long proportional(long pid) throws IOException {
        return line(pid, "smaps_rollup", "Pss");
    }

    private static long line(long pid, String file, String name) throws IOException {
        return Files.readAllLines(Path.of("/proc", "" + pid, file)).stream()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElseThrow(() -> new IOException("process " + pid + " has ended"));
    }

    public static long descriptors(long pid) throws IOException {
        try (var files = Files.list(Path.of("/proc", "" + pid, "fd"))) {
            return files.count();
        }
    }

    /** The processor time of the process, without its children, in seconds. */
    public static double cpu(long pid) throws IOException {
        return ticks(pid, 11) + ticks(pid, 12);
    }

    private static double ticks(long pid, int field) throws IOException {
        String stat = Files.readString(Path.of("/proc", "" + pid, "stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[field]) / 100.0;
    }

    /** The size of a file, or of all files in a folder; 0 if it does not exist. */
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
