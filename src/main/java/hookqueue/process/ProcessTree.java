package hookqueue.process;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a child process and its descendants. A mark in their environment ({@code /proc/PID/environ})
 * identifies them: it survives {@code setsid} and the death of the parent, unlike process groups
 * and parentage.
 */
final class ProcessTree {
    /** The environment variable that carries the mark. */
    static final String MARK = "NPBHQ_CHILD";

    private static final Logger LOG = LoggerFactory.getLogger(ProcessTree.class);
    private static final long POLL_MILLIS = 20;
    private static final long SLOW_POLL_MILLIS = 1_000;

    /** A process that survives SIGKILL for this long sleeps in the kernel. */
    private static final Duration KILLED_BY_NOW = Duration.ofSeconds(2);

    /** Bounds the scan against fork bombs. */
    private static final int MOST_LOOKS = 50;

    private static final File PROC = new File("/proc");

    private ProcessTree() {}

    /**
     * Ends all processes that carry a child's mark, as {@link #end}, after the child has exited.
     * Mostly there is none, and {@link LaterProcesses} can tell that from a few process IDs.
     *
     * @param started when the child was started, by {@link System#nanoTime}
     */
    static void endRest(ProcessHandle child, long started, String mark, Duration grace) {
        if (child.isAlive()
                || !LaterProcesses.noneHas(
                        new ProcessMark(MARK + "=" + mark), child.pid(), started)) {
            end(child, mark, grace);
        }
    }

    /**
     * Ends all processes with the mark: SIGTERM first, SIGKILL after the grace. Continues if the
     * thread is interrupted. A process that stays in {@code execve(2)}, as on a machine that is
     * short of memory, may be one of them: this waits for it, as long as the grace.
     */
    private static void end(ProcessHandle child, String mark, Duration grace) {
        boolean interrupted = false;
        long kill = System.nanoTime() + grace.toNanos();
        var asked = new HashSet<Long>();
        // signals each at once: a process that starts others and exits is soon out of reach
        Consumer<ProcessHandle> told =
                process -> {
                    if (System.nanoTime() > kill) {
                        process.destroyForcibly();
                    } else if (asked.add(process.pid())) {
                        process.destroy();
                    }
                };
        Found found = alive(child, mark, MOST_LOOKS, told);
        boolean reported = false;
        while (!found.processes().isEmpty() || (!found.all() && System.nanoTime() < kill)) {
            boolean killed = System.nanoTime() - kill > KILLED_BY_NOW.toNanos();
            if (killed && !reported) {
                reported = true;
                found.processes().forEach(ProcessTree::report);
            }
            try {
                Thread.sleep(killed ? SLOW_POLL_MILLIS : POLL_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            found = alive(child, mark, MOST_LOOKS, told);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Logs a process in state D: it waits for a disk or a file server that does not answer. */
    private static void report(ProcessHandle process) {
        String pid = "/proc/" + process.pid();
        LOG.error(
                "process {} ({}) does not end after SIGKILL, it sleeps in the kernel: {}",
                process.pid(),
                firstLine(pid + "/comm"),
                firstLine(pid + "/wchan"));
    }

    private static String firstLine(String file) {
        try (BufferedReader reader = Files.newBufferedReader(Path.of(file))) {
            String line = reader.readLine();
            return line == null || line.equals("0") ? "place unknown" : line;
        } catch (IOException e) {
            return "gone";
        }
    }

    /**
     * The activity of a child and its running descendants: bytes read and written ({@code rchar}
     * and {@code wchar} of {@code /proc/PID/io}, which lack data sent by {@code send(2)}), and the
     * queues of their TCP connections.
     */
    static StallRule.Activity activity(ProcessHandle child, String mark) {
        List<ProcessHandle> processes = alive(child, mark, 1, process -> {}).processes();
        var sockets = new HashSet<Long>();
        processes.forEach(process -> sockets.addAll(sockets(process)));
        return new StallRule.Activity(
                processes.stream().mapToLong(ProcessTree::moved).sum(),
                sockets.isEmpty() ? Map.of() : queues(child, sockets));
    }

    /** Inodes of the sockets that a process has open. */
    private static Set<Long> sockets(ProcessHandle process) {
        var inodes = new HashSet<Long>();
        try (DirectoryStream<Path> descriptors =
                Files.newDirectoryStream(Path.of("/proc/" + process.pid() + "/fd"))) {
            for (Path descriptor : descriptors) {
                socket(descriptor).ifPresent(inodes::add);
            }
        } catch (IOException | DirectoryIteratorException e) {
            return inodes; // gone in the meantime, or owned by another user
        }
        return inodes;
    }

    private static Optional<Long> socket(Path descriptor) {
        try {
            String target = Files.readSymbolicLink(descriptor).toString(); // socket:[4711]
            return target.startsWith("socket:[")
                    ? Optional.of(
                            Long.parseLong(target, "socket:[".length(), target.length() - 1, 10))
                    : Optional.empty();
        } catch (IOException | NumberFormatException e) {
            return Optional.empty(); // closed in the meantime
        }
    }

    /** Reads the child's network namespace, which may differ from the worker's. */
    private static Map<Long, SocketQueues> queues(ProcessHandle child, Set<Long> inodes) {
        var found = new HashMap<Long, SocketQueues>();
        for (String table : List.of("tcp", "tcp6")) {
            Path file = Path.of("/proc/" + child.pid() + "/net/" + table);
            try (BufferedReader reader = Files.newBufferedReader(file)) {
                found.putAll(SocketQueues.read(reader, inodes));
            } catch (IOException | NumberFormatException e) {
                LOG.debug("{}: {}", file, e.toString()); // ended, or a kernel without IPv6
            }
        }
        return found;
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
            return 0; // gone in the meantime, or owned by another user
        }
        return moved;
    }

    /** The processes that are alive, and whether it is certain that there is no other. */
    private record Found(List<ProcessHandle> processes, boolean all) {}

    /**
     * All marked processes that are alive. A process that starts another and exits during a scan of
     * {@code /proc} would hide it. So the scan repeats until no new process exits before it was
     * checked.
     */
    private static Found alive(
            ProcessHandle child, String mark, int looks, Consumer<ProcessHandle> told) {
        var wanted = new ProcessMark(MARK + "=" + mark);
        var found = new ArrayList<ProcessHandle>();
        if (child.isAlive()) {
            found.add(child);
            told.accept(child);
        }
        var seen = new HashSet<Long>();
        seen.add(child.pid());
        boolean again = true;
        for (int i = 0; again && i < looks; i++) {
            again = false;
            for (long pid : running()) {
                if (!seen.add(pid)) {
                    continue;
                }
                ProcessMark.Look look = wanted.look(pid);
                if (look == ProcessMark.Look.OURS) {
                    Optional<ProcessHandle> handle =
                            ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
                    handle.ifPresent(found::add);
                    handle.ifPresent(told);
                    again |= handle.isEmpty();
                } else if (look == ProcessMark.Look.STARTING) {
                    seen.remove(pid);
                }
                again |= look == ProcessMark.Look.GONE || look == ProcessMark.Look.STARTING;
            }
        }
        return new Found(found, !again);
    }

    /** Not with a glob: that compiles a regular expression, and matches it for each name. */
    private static List<Long> running() {
        var pids = new ArrayList<Long>();
        for (String name : Objects.requireNonNull(PROC.list(), "cannot list /proc")) {
            if (name.charAt(0) >= '1' && name.charAt(0) <= '9') {
                pids.add(Long.parseLong(name));
            }
        }
        return pids;
    }
}
