package hookqueue.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Looks for descendants of a child that ran for a moment. Linux gives process IDs in ascending
 * order and begins again at the end of the range ({@code kernel.pid_max}), so descendants have IDs
 * between the child's and the newest. A scan of {@code /proc} reads the environments of all
 * processes instead, which takes a worker whose code is not compiled yet 5 ms.
 */
final class LaterProcesses {
    /** No machine begins again within this time and comes close to the same ID. */
    private static final long MOMENT = Duration.ofSeconds(1).toNanos();

    private static final long MOST = 200;
    private static final Path NEWEST = Path.of("/proc/sys/kernel/ns_last_pid");

    private LaterProcesses() {}

    /**
     * Whether it is certain that no process has the mark.
     *
     * @param pid of a child that has exited
     * @param started when it was started, by {@link System#nanoTime}
     */
    static boolean noneHas(ProcessMark mark, long pid, long started) {
        long newest = newest();
        if (newest < pid || !momentAgo(started)) {
            return false;
        }
        long looked = pid;
        // until no process has been started during the look
        while (newest > looked) {
            if (newest - pid > MOST) {
                return false;
            }
            while (looked < newest) {
                looked++;
                ProcessMark.Look look = mark.look(looked);
                if (look == ProcessMark.Look.OURS || look == ProcessMark.Look.STARTING) {
                    return false;
                }
            }
            newest = newest();
        }
        return newest == looked && momentAgo(started);
    }

    private static boolean momentAgo(long started) {
        return System.nanoTime() - started < MOMENT;
    }

    /**
     * The newest process ID of this namespace ({@code proc_sys_kernel(5)}). Not the last field of
     * {@code /proc/loadavg}: lxcfs replaces that file in containers, by older values.
     *
     * @return 0 if it is not known: the kernel lacks {@code CONFIG_CHECKPOINT_RESTORE}
     */
    private static long newest() {
        try {
            return Long.parseLong(Files.readString(NEWEST).trim());
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }
}
