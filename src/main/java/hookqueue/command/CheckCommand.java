package hookqueue.command;

import hookqueue.check.Checks;
import hookqueue.check.Finding;
import hookqueue.check.Installation;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.report.Overview;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answer to {@code check}: the findings of all checks, in order, each as soon as it is known.
 * One client at a time: they share a scratch folder.
 */
public final class CheckCommand {
    private static final Logger LOG = LoggerFactory.getLogger(CheckCommand.class);
    private final Semaphore checking = new Semaphore(1);
    private final Installation installation;
    private final Duration silence;
    private final Duration most;

    public CheckCommand(Installation installation) {
        this(installation, Duration.ofSeconds(20), Duration.ofMinutes(2));
    }

    /** For tests that cannot wait that long for a silent child, or for all checks. */
    CheckCommand(Installation installation, Duration silence, Duration most) {
        this.installation = installation;
        this.silence = silence;
        this.most = most;
    }

    /** The problems of {@code overview} are findings, too. */
    String answer(Request.Check check, Overview overview, Reply reply)
            throws IOException, InterruptedException {
        if (!checking.tryAcquire()) {
            return "error another client checks; try again later";
        }
        try (Checks checks = begin(check.upload())) {
            return checks == null
                    ? unavailable(
                            "state directory",
                            List.of("nothing can be written to " + installation.stateDir()),
                            reply)
                    : new CheckRun(reply, most)
                            .run(checks.all(), problems(overview), check.upload());
        } finally {
            checking.release();
        }
    }

    private static List<Finding> problems(Overview overview) {
        var findings = new ArrayList<Finding>();
        for (Overview.Problem problem : overview.problems()) {
            findings.add(Finding.warn("queue", problem.what(), problem.remedy()));
        }
        if (overview.pause().isPresent()) {
            String paused = "is paused, so nothing is uploaded";
            findings.add(Finding.warn("queue", paused, "nix-post-build-hook-queue resume"));
        }
        return findings;
    }

    private @Nullable Checks begin(boolean upload) {
        try {
            return new Checks(installation, upload, silence);
        } catch (IOException e) {
            LOG.debug("no scratch folder: {}", e.toString());
            return null;
        }
    }

    /** What a worker answers that cannot work: one failure for each mistake. */
    static String unavailable(String subject, List<String> mistakes, Reply reply)
            throws IOException {
        for (String mistake : mistakes) {
            Finding failure =
                    Finding.fail(
                            subject,
                            mistake,
                            "after the correction:",
                            "systemctl restart nix-post-build-hook-queue.service");
            reply.data(failure.lines());
        }
        int count = mistakes.size();
        return "error " + count + " of " + count + " checks failed; no other check was run";
    }
}
