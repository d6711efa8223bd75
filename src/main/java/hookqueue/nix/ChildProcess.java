package hookqueue.nix;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one child process to its end and leaves nothing of it behind.
 *
 * <p>Standard input is {@code /dev/null}; standard output and error come together, line by line.
 * The JDK closes every other descriptor in the child. A line of output is a sign of life; without
 * one for the stall timeout the child is ended: SIGTERM to it and all that it started, SIGKILL
 * after 5 s. What it started is found by an environment variable that all of them inherit, so that
 * a grandchild which left its parent is found too.
 */
public final class ChildProcess {
    private static final Logger LOG = LoggerFactory.getLogger(ChildProcess.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final AtomicLong COUNT = new AtomicLong();

    private final Duration stallTimeout;

    /**
     * @param stallTimeout how long a child may be silent
     */
    public ChildProcess(Duration stallTimeout) {
        this.stallTimeout = stallTimeout;
    }

    /**
     * Runs a command.
     *
     * @param command the program and its arguments
     * @param environment variables to add to the worker's own
     * @param output gets each line of output, on another thread; at most 64 KiB of a line
     * @return how it ended; {@link Ending.Cancelled} when the calling thread was interrupted, which
     *     stays so
     */
    public Ending run(
            List<String> command, Map<String, String> environment, Consumer<String> output) {
        String mark = ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
        var builder =
                new ProcessBuilder(command)
                        .redirectInput(Redirect.from(new java.io.File("/dev/null")))
                        .redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.environment().put(Leftovers.MARK, mark);
        Process child;
        try {
            child = builder.start();
        } catch (IOException e) {
            return new Ending.NotStarted(String.valueOf(e.getMessage()));
        }
        var lastLine = new AtomicLong(System.nanoTime());
        var reader =
                new Thread(() -> read(child.getInputStream(), output, lastLine), "child-output");
        reader.setDaemon(true);
        reader.start();
        Ending ending = await(child, lastLine);
        Leftovers.end(child.toHandle(), mark, GRACE);
        finish(reader, child);
        return ending;
    }

    private Ending await(Process child, AtomicLong lastLine) {
        try {
            while (true) {
                long silence = System.nanoTime() - lastLine.get();
                long left = stallTimeout.toNanos() - silence;
                if (left <= 0) {
                    return new Ending.Stalled(stallTimeout);
                }
                if (child.waitFor(left, TimeUnit.NANOSECONDS)) {
                    return new Ending.Exited(child.exitValue());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Ending.Cancelled();
        }
    }

    private static void read(InputStream stream, Consumer<String> output, AtomicLong lastLine) {
        var lines =
                new Lines(line -> {
                    lastLine.set(System.nanoTime());
                    output.accept(line);
                });
        byte[] buffer = new byte[8192];
        try (stream) {
            int count = stream.read(buffer);
            while (count >= 0) {
                lines.take(buffer, count);
                count = stream.read(buffer);
            }
        } catch (IOException e) {
            LOG.debug("a child's output ended: {}", e.toString());
        }
        lines.finish();
    }

    /**
     * Everything that could write is gone, so the end of the output is near; it is read even when
     * interrupted.
     */
    private static void finish(Thread reader, Process child) {
        boolean interrupted = Thread.interrupted();
        try {
            reader.join(Duration.ofSeconds(2));
            if (reader.isAlive()) {
                child.getInputStream().close();
            }
        } catch (InterruptedException e) {
            interrupted = true;
        } catch (IOException e) {
            LOG.debug("a child's output cannot be closed: {}", e.toString());
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
