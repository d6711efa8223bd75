package hookqueue.command;

import hookqueue.check.Finding;
import hookqueue.protocol.Reply;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
    private static final long LOOK_MILLIS = 200;

    /** A child gets 5 s after SIGTERM. */
    private static final long END_SECONDS = 8;

    private final Reply reply;

    /** All checks are interrupted after this time. */
    private final Duration most;

    private final ExecutorService threads =
            Executors.newThreadPerTaskExecutor(
                    Thread.ofPlatform().daemon().name("check ", 1).factory());
    private final Map<Finding.Level, Integer> counts = new EnumMap<>(Finding.Level.class);
    private final long start = System.nanoTime();

    CheckRun(Reply reply, Duration most) {
        this.reply = reply;
        this.most = most;
    }

    /** Prints the findings of all checks, then the others; returns the last line of the reply. */
    String run(List<Callable<List<Finding>>> checks, List<Finding> others, boolean upload)
            throws IOException, InterruptedException {
        try {
            var running = new ArrayList<Future<List<Finding>>>();
            for (Callable<List<Finding>> check : checks) {
                running.add(threads.submit(check));
            }
            for (Future<List<Finding>> check : running) {
                tell(await(check));
                reply.flush();
            }
            tell(others);
            return summary(upload);
        } finally {
            threads.shutdownNow();
            if (!threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
                LOG.debug("a check does not end");
            }
        }
    }

    private void tell(List<Finding> findings) throws IOException {
        for (Finding finding : findings) {
            counts.merge(finding.level(), 1, Integer::sum);
            reply.data(finding.lines());
        }
    }

    /** Notices a client that has gone. */
    private List<Finding> await(Future<List<Finding>> check)
            throws IOException, InterruptedException {
        while (true) {
            try {
                return check.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                LOG.trace("not yet", e);
                reply.flush();
                if (System.nanoTime() - start > most.toNanos()) {
                    threads.shutdownNow();
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException("a check broke off", e.getCause());
            }
        }
    }

    private String summary(boolean upload) {
        int failed = counts.getOrDefault(Finding.Level.FAIL, 0);
        int warned = counts.getOrDefault(Finding.Level.WARN, 0);
        int all = failed + warned + counts.getOrDefault(Finding.Level.PASS, 0);
        String warnings =
                warned == 0 ? "" : warned == 1 ? ", 1 warning" : ", " + warned + " warnings";
        if (failed > 0) {
            return "error " + failed + " of " + all + " checks failed" + warnings;
        }
        String more = upload ? "" : "; check --upload also sends a tiny path";
        return "ok all " + all + " checks passed" + warnings + more;
    }
}
