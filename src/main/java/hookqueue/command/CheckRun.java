package hookqueue.command;

import hookqueue.check.Check;
import hookqueue.check.Finding;
import hookqueue.protocol.Reply;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of all checks.
 *
 * <p>Every check runs on a thread of its own. The session's thread prints the findings, and
 * interrupts all checks when the client disconnects, when the worker stops, or when they take too
 * long.
 */
final class CheckRun {
    private static final Logger LOG = LoggerFactory.getLogger(CheckRun.class);
    private static final Duration LOOK = Duration.ofMillis(200);

    /** A child gets 5 s after SIGTERM. */
    private static final Duration END = Duration.ofSeconds(8);

    private final Reply reply;
    private final Duration most;
    private final List<Running> running = new ArrayList<>();
    private final Map<Finding.Level, Integer> counts = new EnumMap<>(Finding.Level.class);
    private final long start = System.nanoTime();

    /** A check that runs. */
    private record Running(FutureTask<List<Finding>> task, Thread thread) {
        static Running start(Check check, int number) {
            var task = new FutureTask<>(check::run);
            var thread = new Thread(task, "check " + number);
            thread.setDaemon(true);
            thread.start();
            return new Running(task, thread);
        }
    }

    /**
     * @param most all checks are interrupted after this time
     */
    CheckRun(Reply reply, Duration most) {
        this.reply = reply;
        this.most = most;
    }

    /**
     * Prints the findings of all checks, and then the other findings.
     *
     * @param upload whether the checks include a test upload
     * @return the last line of the reply
     */
    String run(List<Check> checks, List<Finding> others, boolean upload)
            throws IOException, InterruptedException {
        try {
            for (Check each : checks) {
                running.add(Running.start(each, running.size() + 1));
            }
            for (Running each : running) {
                tell(await(each));
                reply.flush();
            }
            tell(others);
            return summary(upload);
        } finally {
            end();
        }
    }

    private void tell(List<Finding> findings) throws IOException {
        for (Finding finding : findings) {
            counts.merge(finding.level(), 1, Integer::sum);
            for (String line : finding.lines()) {
                reply.data(line);
            }
        }
    }

    /** Notices a client that has gone. */
    private List<Finding> await(Running check) throws IOException, InterruptedException {
        while (true) {
            try {
                return check.task().get(LOOK.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                LOG.trace("not yet", e);
                reply.flush();
                if (System.nanoTime() - start > most.toNanos()) {
                    running.forEach(each -> each.thread().interrupt());
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException("a check broke off", e.getCause());
            }
        }
    }

    private void end() throws InterruptedException {
        running.forEach(each -> each.thread().interrupt());
        long end = System.nanoTime() + END.toNanos();
        for (Running each : running) {
            each.thread().join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
        }
    }

    private String summary(boolean upload) {
        int failed = counts.getOrDefault(Finding.Level.FAIL, 0);
        int warned = counts.getOrDefault(Finding.Level.WARN, 0);
        int all = failed + warned + counts.getOrDefault(Finding.Level.PASS, 0);
        String warnings =
                warned == 0 ? "" : warned == 1 ? ", 1 warning" : ", " + warned + " warnings";
        return failed == 0
                ? "ok all "
                        + all
                        + " checks passed"
                        + warnings
                        + (upload ? "" : "; check --upload also sends a tiny path")
                : "error " + failed + " of " + all + " checks failed" + warnings;
    }
}
