package hookqueue.process;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Looks for a mark in the environments of processes. One object serves one thread, for one scan of
 * all processes.
 *
 * <p>A scan follows each child process and reads hundreds of files, so this creates few objects and
 * asks for permission before it opens a file: an exception for each process of another user would
 * take longer than all else.
 */
final class ProcessMark {
    private static final int USUAL_ENVIRON = 32 * 1024;

    /** {@code PF_KTHREAD} of {@code linux/sched.h}. */
    private static final long KERNEL_THREAD = 0x00200000;

    private final byte[] wanted;
    private byte[] environ = new byte[USUAL_ENVIRON];

    enum Look {
        OURS,
        ANOTHERS,
        GONE,
        /**
         * During {@code execve(2)} the environment of a process cannot be read, and a file opened
         * before stays empty afterwards.
         */
        STARTING
    }

    /** Looks for an environment variable and its value, {@code NAME=value}. */
    ProcessMark(String mark) {
        this.wanted = mark.getBytes(StandardCharsets.US_ASCII);
    }

    Look look(long pid) {
        String process = "/proc/" + pid;
        var file = new File(process + "/environ");
        if (!file.canRead()) {
            return file.exists() ? Look.ANOTHERS : Look.GONE;
        }
        try {
            int length = read(file);
            if (length <= 0) {
                return withoutEnvironment(Path.of(process));
            }
            return contains(length) ? Look.OURS : Look.ANOTHERS;
        } catch (IOException e) {
            return Look.GONE; // perhaps a zombie; Linux 6.18 opens no file of a kernel thread
        }
    }

    /** Reads in one call: between two calls the process may execute another program. */
    private int read(File file) throws IOException {
        while (true) {
            int length;
            try (var stream = new FileInputStream(file)) {
                length = stream.read(environ);
            }
            if (length < environ.length) {
                return length;
            }
            environ = new byte[2 * environ.length];
        }
    }

    /**
     * A process without an environment exits, or is in the middle of {@code execve(2)}, or really
     * has none: a kernel thread, or a child of {@code env -i}. See {@code proc_pid_stat(5)} for the
     * fields.
     */
    private static Look withoutEnvironment(Path process) throws IOException {
        String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        long flags = Long.parseLong(fields[9 - 3]);
        boolean hasMemory = !fields[23 - 3].equals("0");
        boolean hasCode = !fields[27 - 3].equals("0");
        String start = fields[50 - 3];
        String end = fields[51 - 3];
        if ((flags & KERNEL_THREAD) != 0
                || (hasMemory && hasCode && start.equals(end) && !end.equals("0"))) {
            return Look.ANOTHERS;
        }
        return hasMemory ? Look.STARTING : Look.GONE;
    }

    private boolean contains(int length) {
        int start = 0;
        for (int i = 0; i <= length; i++) {
            if (i == length || environ[i] == 0) {
                if (i - start == wanted.length
                        && Arrays.equals(environ, start, i, wanted, 0, wanted.length)) {
                    return true;
                }
                start = i + 1;
            }
        }
        return false;
    }
}
