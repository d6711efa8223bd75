package hookqueue.nix;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Ends a child process and all that it started, found by a mark in their environment ({@code
 * /proc/PID/environ}): it survives {@code setsid} and the death of the parent, which process groups
 * and parentage do not.
 */
final class Leftovers {
    /** The environment variable that carries the mark. */
    static final String MARK = "NPBHQ_CHILD";

    private static final long POLL_MILLIS = 20;

    private Leftovers() {}

    /**
     * Returns when none is left: SIGTERM first, SIGKILL after the grace. Goes on when the thread is
     * interrupted.
     */
    static void end(ProcessHandle child, String mark, Duration grace) {
        List<ProcessHandle> alive = alive(child, mark);
        if (alive.isEmpty()) {
            return;
        }
        boolean interrupted = false;
        long kill = System.nanoTime() + grace.toNanos();
        alive.forEach(ProcessHandle::destroy);
        while (!alive.isEmpty()) {
            if (System.nanoTime() > kill) {
                alive.forEach(ProcessHandle::destroyForcibly);
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            alive = alive(child, mark);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Bytes that a child and all that it started have read and written so far ({@code rchar} and
     * {@code wchar} of {@code /proc/PID/io}), as far as they still run. Data sent by {@code
     * send(2)} is not among them.
     */
    static long moved(ProcessHandle child, String mark) {
        return alive(child, mark).stream().mapToLong(Leftovers::moved).sum();
    }

    private static long moved(ProcessHandle process) {
        long moved = 0;
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/io"))) {
                if (line.startsWith("rchar: ") || line.startsWith("wchar: ")) {
                    moved += Long.parseLong(line.substring("rchar: ".length()));
                }
            }
        } catch (IOException | NumberFormatException e) {
            return 0; // gone in the meantime, or somebody else's
        }
        return moved;
    }

    private static List<ProcessHandle> alive(ProcessHandle child, String mark) {
        byte[] wanted = (MARK + "=" + mark).getBytes(StandardCharsets.US_ASCII);
        var found = new ArrayList<ProcessHandle>();
        if (child.isAlive()) {
            found.add(child);
        }
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                long pid = Long.parseLong(String.valueOf(process.getFileName()));
                if (pid != child.pid() && contains(process.resolve("environ"), wanted)) {
                    Optional<ProcessHandle> handle = ProcessHandle.of(pid);
                    handle.filter(ProcessHandle::isAlive).ifPresent(found::add);
                }
            }
        } catch (IOException | NumberFormatException e) {
            child.descendants().forEach(found::add);
        }
        return found;
    }

    private static boolean contains(Path environ, byte[] wanted) {
        byte[] all;
        try {
            all = Files.readAllBytes(environ);
        } catch (IOException e) {
            return false; // somebody else's process, or gone in the meantime
        }
        int start = 0;
        for (int i = 0; i <= all.length; i++) {
            if (i == all.length || all[i] == 0) {
                if (i - start == wanted.length
                        && java.util.Arrays.equals(all, start, i, wanted, 0, wanted.length)) {
                    return true;
                }
                start = i + 1;
            }
        }
        return false;
    }
}
