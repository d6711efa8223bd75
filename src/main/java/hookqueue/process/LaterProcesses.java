package hookqueue.process;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Looks for descendants of a child that ran for a moment. Linux gives process IDs in ascending
 * order and begins again at the end of the range, so descendants have IDs between the child's and
 * the newest. A scan of {@code /proc} reads the environments of all processes instead, which takes
 * a worker whose code is not compiled yet 5 ms.
 */
final class LaterProcesses {
    /** The IDs cannot have begun again within this time: the smallest range is 32,768. */
    private static final long MOMENT = Duration.ofSeconds(1).toNanos();

    private static final long MOST = 500;

    private LaterProcesses() {}

    /**
     * Whether it is certain that no process has the mark.
     *
     * @param pid of a child that has exited
     * @param started when it was started, by {@link System#nanoTime}
     */
    static boolean noneHas(ProcessMark mark, long pid, long started) {
        long looked = pid;
        long newest = newest();
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
        return newest >= pid && System.nanoTime() - started < MOMENT;
    }

    /**
     * The newest process ID, the last field of {@code /proc/loadavg} ({@code proc_loadavg(5)}).
     *
     * @return 0 if it is not known
     */
    private static long newest() {
        byte[] line = new byte[100];
        try (var file = new FileInputStream("/proc/loadavg")) {
            int length = file.read(line);
            String text =
                    new String(line, 0, Math.max(length, 0), StandardCharsets.US_ASCII).trim();
            return Long.parseLong(text.substring(text.lastIndexOf(' ') + 1));
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }
}
