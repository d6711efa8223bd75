package hookqueue.process;

import java.io.File;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Reader;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one child process to its end, and leaves no descendant behind.
 *
 * <p>Standard input is {@code /dev/null}; standard output and error are merged, line by line,
 * unless the caller reads the standard output as a whole. The JDK closes every other descriptor in
 * the child. The working directory is the one in which the worker was started.
 *
 * <p>A child without a sign of life for the stall timeout ({@link StallRule}) is stopped: SIGTERM
 * to it and its descendants, SIGKILL after 5 s. An environment variable that all descendants
 * inherit marks them, so that orphans are found too.
 */
public final class ChildProcess {
    private static final Logger LOG = LoggerFactory.getLogger(ChildProcess.class);
    private static final Duration GRACE = Duration.ofSeconds(5);
    private static final long SOONEST_LOOK = Duration.ofMillis(20).toNanos();
    private static final long LATEST_LOOK = Duration.ofSeconds(10).toNanos();

    private static final Redirect NOTHING = Redirect.from(new File("/dev/null"));
    private static final File ROOT = new File("/");

    /** Waits for the end of a pipe that only the worker holds, beside the command. */
    private static final String TIED =
            "exec 3<&0; (read -r gone <&3; kill $$) & exec \"$@\" 3<&- </dev/null";

    private static final AtomicLong COUNT = new AtomicLong();

    private final Duration stallTimeout;

    /**
     * @param stallTimeout how long a child may give no sign of life; the check is late by up to a
     *     twentieth of that, 10 s at most
     */
    public ChildProcess(Duration stallTimeout) {
        this.stallTimeout = stallTimeout;
    }

    /**
     * Runs a command.
     *
     * @param environment variables to add to the worker's own
     * @param output gets each line of output, on another thread; at most 64 KiB of a line
     * @return how it ended; {@link ExitResult.Cancelled} when the calling thread was interrupted,
     *     which stays so
     */
    public ExitResult run(
            List<String> command, Map<String, String> environment, Consumer<String> output) {
        return run(command, environment, output, null, NOTHING);
    }

    /**
     * Runs a command that would never end by itself. It gets SIGTERM when the worker dies, even
     * from SIGKILL.
     */
    public ExitResult runTied(
            List<String> command, Map<String, String> environment, Consumer<String> output) {
        var tied = new ArrayList<>(List.of("/bin/sh", "-c", TIED, "sh"));
        tied.addAll(command);
        return run(tied, environment, output, null, Redirect.PIPE);
    }

    /** Reads what a child writes to its standard output, on a thread of its own. */
    @FunctionalInterface
    public interface Answer {
        /** Reads to the end of the stream. Fails if it is not what was expected. */
        void read(Reader text) throws IOException;
    }

    /**
     * Runs a command whose standard output is a text of any length.
     *
     * @param messages gets each line of standard error, as in {@link #run}
     * @return as {@link #run}; {@link ExitResult.Unreadable} if the answer could not be read
     */
    public ExitResult ask(
            List<String> command,
            Map<String, String> environment,
            Consumer<String> messages,
            Answer answer) {
        return run(command, environment, messages, answer, NOTHING);
    }

    private ExitResult run(
            List<String> command,
            Map<String, String> environment,
            Consumer<String> output,
            @Nullable Answer answer,
            Redirect input) {
        String mark = ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
        var builder =
                new ProcessBuilder(command)
                        .redirectInput(input)
                        .redirectErrorStream(answer == null);
        File directory = directory();
        if (directory != null) {
            builder.directory(directory);
            builder.environment().put("PWD", directory.getPath());
        }
        builder.environment().putAll(environment);
        builder.environment().put(ProcessTree.MARK, mark);
        Process child;
        try {
            child = builder.start();
        } catch (IOException e) {
            return new ExitResult.NotStarted(String.valueOf(e.getMessage()));
        }
        long started = System.nanoTime();
        var heard = new Heard(new AtomicLong(started), new AtomicLong());
        InputStream text = child.getInputStream();
        InputStream messages = answer == null ? text : child.getErrorStream();
        var reader = started(() -> readLines(messages, output, heard), "child-output");
        var problem = new AtomicReference<@Nullable String>();
        Thread asked = null;
        if (answer != null) {
            // Until the reader has come to the end, which it does not after a bug.
            problem.set("its answer was not read to the end");
            asked = started(() -> problem.set(readAnswer(text, answer, heard)), "child-answer");
        }
        ExitResult ending = await(child, mark, heard);
        ProcessTree.endRest(child.toHandle(), started, mark, GRACE);
        finish(reader, messages);
        if (asked != null) {
            finish(asked, text);
        }
        String unreadable = problem.get();
        return ending.succeeded() && unreadable != null
                ? new ExitResult.Unreadable(unreadable)
                : ending;
    }

    /**
     * The directory in which the launcher was started, which it leaves in {@code PWD} when it
     * changes to the program's own one; null for the worker's own directory.
     */
    private static @Nullable File directory() {
        String started = System.getenv("PWD");
        if (started == null) {
            return null;
        }
        var directory = new File(started);
        return directory.isDirectory() && directory.canExecute() ? directory : ROOT;
    }

    private static Thread started(Runnable task, String name) {
        var thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Reads the rest of a malformed answer too, so that the child can exit. */
    private static @Nullable String readAnswer(InputStream stream, Answer answer, Heard heard) {
        var counted =
                new FilterInputStream(stream) {
                    @Override
                    public int read(byte[] buffer, int offset, int length) throws IOException {
                        int count = super.read(buffer, offset, length);
                        if (count > 0) {
                            heard.bytes().addAndGet(count);
                            heard.life().set(System.nanoTime());
                        }
                        return count;
                    }
                };
        try (counted) {
            String problem = null;
            try {
                answer.read(new InputStreamReader(counted, StandardCharsets.UTF_8));
            } catch (IOException e) {
                problem = String.valueOf(e.getMessage());
            }
            counted.transferTo(OutputStream.nullOutputStream());
            return problem;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /**
     * The reader's messages to the thread that waits for the child.
     *
     * @param life when the last line came that shows life, by {@link System#nanoTime}
     * @param bytes read so far: a child that only writes to us moves nothing else
     */
    private record Heard(AtomicLong life, AtomicLong bytes) {}

    private ExitResult await(Process child, String mark, Heard heard) {
        long look = Math.clamp(stallTimeout.toNanos() / 20, SOONEST_LOOK, LATEST_LOOK);
        var rule = new StallRule(stallTimeout, System.nanoTime());
        try {
            while (!child.waitFor(look, TimeUnit.NANOSECONDS)) {
                long life = heard.life().get();
                if (System.nanoTime() - life < look) {
                    continue;
                }
                StallRule.Activity all = ProcessTree.activity(child.toHandle(), mark);
                var own = new StallRule.Activity(all.moved() - heard.bytes().get(), all.sockets());
                if (rule.stalled(own, life, System.nanoTime())) {
                    return new ExitResult.Stalled(stallTimeout);
                }
            }
            return new ExitResult.Exited(child.exitValue());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new ExitResult.Cancelled();
        }
    }

    private static void readLines(InputStream stream, Consumer<String> output, Heard heard) {
        var signs = new OutputActivity();
        var lines =
                new OutputLines(line -> {
                    if (signs.in(line)) {
                        heard.life().set(System.nanoTime());
                    }
                    output.accept(line);
                });
        byte[] buffer = new byte[8192];
        try (stream) {
            int count = stream.read(buffer);
            while (count >= 0) {
                heard.bytes().addAndGet(count);
                lines.take(buffer, count);
                count = stream.read(buffer);
            }
        } catch (IOException e) {
            LOG.debug("a child's output ended: {}", e.toString());
        }
        lines.finish();
    }

    /**
     * Reads the rest of the output, even when interrupted. All writers are gone, so its end is
     * near; but on a machine that hardly runs it may not come in time.
     */
    private static void finish(Thread reader, InputStream stream) {
        boolean interrupted = Thread.interrupted();
        try {
            reader.join(Duration.ofSeconds(2));
            if (reader.isAlive()) {
                stream.close();
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
