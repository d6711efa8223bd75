package hookqueue.command;

import hookqueue.base.Filter;
import hookqueue.base.Filters;
import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.delivery.DestinationCheck;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.VerifyStore.Counts;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.slf4j.MDC;

/**
 * The answer to {@code verify}: are these paths, or all that is remembered as delivered, still at
 * every destination, with their closures?
 *
 * <pre>
 *   a batch of remembered deliveries ─► check ─► nothing is missing, or it was sent again ─┐
 *        ▲                                ├────► refused: queued again for this destination ├─► cursor, counts:
 *        │                                ├────► neither there nor here: lost ─────────────┘   one transaction
 *        └── when no new path is due ◄────┴────► destination down: the cursor stays
 * </pre>
 *
 * <p>It runs on the session's thread, with one child process at a time beside those of the lanes,
 * and starts a batch only while the lane has no new path that is due. The cursor is in the queue: a
 * verification that was interrupted continues when a client asks again within a day.
 */
public final class VerifyCommand {
    private static final long STALE_MILLIS = Duration.ofDays(1).toMillis();
    private static final long LOOK_AGAIN_MILLIS = 5_000;
    private static final int MOST_NAMED = 100;

    private final Semaphore verifying = new Semaphore(1);
    private final Queue queue;
    private final List<DestinationCheck> checks;
    private final List<String> programs;
    private final Filters filters;
    private final String storeDir;
    private final InstantSource clock;

    /** The destinations in {@code programs} cannot be asked. */
    public VerifyCommand(
            Queue queue,
            List<DestinationCheck> checks,
            List<String> programs,
            Filters filters,
            String storeDir,
            InstantSource clock) {
        this.queue = queue;
        this.checks = checks;
        this.programs = programs;
        this.filters = filters;
        this.storeDir = storeDir;
        this.clock = clock;
    }

    /** A batch of paths, and the row of the last one that was looked at. */
    private record Batch(List<StorePath> paths, long last) {}

    String answer(Request.Verify verify, Reply reply)
            throws IOException, QueueException, InterruptedException {
        if (checks.isEmpty()) {
            return "error no destination that can be asked is in the settings";
        }
        List<String> excluded =
                verify.paths().stream()
                        .filter(path -> !filters.anyTakes(path))
                        .limit(MOST_NAMED)
                        .map(path -> path.in(storeDir))
                        .toList();
        if (!excluded.isEmpty()) {
            return "error the settings exclude: " + String.join(" ", excluded);
        }
        if (!verifying.tryAcquire()) {
            return "error another client verifies; try again later";
        }
        try {
            for (String program : programs) {
                reply.data(program + ": not checked: a program cannot be asked");
            }
            var report = new VerifyReport(reply, storeDir);
            return verify.paths().isEmpty()
                    ? all(report, reply)
                    : some(verify.paths(), report, reply);
        } finally {
            verifying.release();
        }
    }

    private String all(VerifyReport report, Reply reply)
            throws IOException, QueueException, InterruptedException {
        if (queue.call(t -> t.meta().paused(clock.millis()))) {
            return "error the queue is paused; to resume: nix-post-build-hook-queue resume";
        }
        long since = queue.call(t -> t.verification().begin(clock.millis(), STALE_MILLIS));
        for (DestinationCheck check : checks) {
            try (var _ = MDC.putCloseable(LogFields.DESTINATION, check.name())) {
                report.part(check.name(), remembered(check, since, report, reply));
            }
        }
        if (report.isComplete()) {
            queue.call(t -> {
                t.verification().end();
                return true;
            });
        }
        return report.summary();
    }

    private VerifyReport.Part remembered(
            DestinationCheck check, long since, VerifyReport report, Reply reply)
            throws IOException, QueueException, InterruptedException {
        String name = check.name();
        Counts counts = queue.call(t -> t.verification().counts(name));
        if (counts.checked() > 0) {
            reply.data(name + ": continues after " + counts.checked() + " paths");
        }
        while (!counts.done()) {
            Optional<String> down = awaitTurn(name, reply);
            if (down.isPresent()) {
                return new VerifyReport.Part(counts, 0, down.get());
            }
            long after = counts.row();
            Batch batch = queue.call(t -> batch(t.lane(name), check, after, since));
            DestinationCheck.Answer answer =
                    batch.paths().isEmpty()
                            ? new DestinationCheck.Answer.Checked(
                                    0, List.of(), List.of(), List.of(), "")
                            : check.check(batch.paths());
            switch (answer) {
                case DestinationCheck.Answer.Unknown unknown -> {
                    return new VerifyReport.Part(counts, 0, Text.oneLine(unknown.reason()));
                }
                case DestinationCheck.Answer.Checked checked -> {
                    boolean end = batch.last() == after;
                    Counts now =
                            sum(counts, batch.paths().size(), checked)
                                    .at(end ? Counts.END : batch.last());
                    queue.call(t -> {
                        t.verification().record(name, now, checked.refused(), clock.millis());
                        return true;
                    });
                    report.batch(name, checked);
                    counts = now;
                }
            }
        }
        return new VerifyReport.Part(counts, 0, "");
    }

    private Batch batch(LaneStore lane, DestinationCheck check, long after, long since)
            throws SQLException {
        List<LaneStore.Delivered> page = lane.deliveredAfter(after, check.mostAtOnce());
        Filter filter = filters.filter(check.name());
        return new Batch(
                page.stream()
                        .filter(each -> each.at() < since && filter.test(each.path()))
                        .map(LaneStore.Delivered::path)
                        .toList(),
                page.isEmpty() ? after : page.getLast().id());
    }

    /** Lets new paths go first. Returns why the destination is down, if it is. */
    private Optional<String> awaitTurn(String name, Reply reply)
            throws IOException, QueueException, InterruptedException {
        while (true) {
            long seen = queue.version();
            reply.flush(); // notices a client that has gone
            LaneCounts lane =
                    queue.call(t -> t.reports().lanes()).stream()
                            .filter(each -> each.name().equals(name))
                            .findFirst()
                            .orElseThrow();
            if (lane.breaker().open()) {
                return Optional.of(Text.oneLine(lane.breaker().reason()));
            }
            if (queue.call(t -> t.meta().paused(clock.millis()))) {
                return Optional.of("the queue is paused");
            }
            if (lane.fresh() == 0) {
                return Optional.empty();
            }
            queue.awaitChange(seen, LOOK_AGAIN_MILLIS);
        }
    }

    /** Runs at once, before all other work. */
    private String some(List<StorePath> paths, VerifyReport report, Reply reply)
            throws IOException, QueueException, InterruptedException {
        List<StorePath> distinct = paths.stream().distinct().toList();
        for (DestinationCheck check : checks) {
            try (var _ = MDC.putCloseable(LogFields.DESTINATION, check.name())) {
                List<StorePath> taken = taken(check.name(), distinct, reply);
                report.part(check.name(), some(check, taken, report, reply));
            }
        }
        return report.summary();
    }

    /** Names the paths that a destination does not take, and returns the others. */
    private List<StorePath> taken(String name, List<StorePath> paths, Reply reply)
            throws IOException {
        var taken = new ArrayList<StorePath>();
        for (StorePath path : paths) {
            if (filters.filter(name).test(path)) {
                taken.add(path);
            } else {
                reply.data(name + ": not checked: its filter excludes " + path.in(storeDir));
            }
        }
        return taken;
    }

    private VerifyReport.Part some(
            DestinationCheck check, List<StorePath> paths, VerifyReport report, Reply reply)
            throws IOException, QueueException, InterruptedException {
        String name = check.name();
        Counts counts = Counts.NONE;
        long undelivered = 0;
        int size = check.mostAtOnce();
        for (int from = 0; from < paths.size(); from += size) {
            reply.flush();
            List<StorePath> page = paths.subList(from, Math.min(paths.size(), from + size));
            List<StorePath> delivered =
                    queue.call(t -> {
                        var settled = new ArrayList<StorePath>();
                        for (StorePath path : page) {
                            if (t.reports().standing(path).stream()
                                    .noneMatch(row -> row.lane().equals(name))) {
                                settled.add(path);
                            }
                        }
                        return settled;
                    });
            undelivered += page.size() - delivered.size();
            if (delivered.isEmpty()) {
                continue;
            }
            switch (check.check(delivered)) {
                case DestinationCheck.Answer.Unknown unknown -> {
                    return new VerifyReport.Part(
                            counts, undelivered, Text.oneLine(unknown.reason()));
                }
                case DestinationCheck.Answer.Checked checked -> {
                    counts = sum(counts, delivered.size(), checked);
                    queue.call(t -> {
                        t.verification().requeue(name, checked.refused(), clock.millis());
                        return true;
                    });
                    report.batch(name, checked);
                }
            }
        }
        return new VerifyReport.Part(counts, undelivered, "");
    }

    private static Counts sum(Counts before, int paths, DestinationCheck.Answer.Checked checked) {
        return new Counts(
                before.row(),
                before.checked() + paths,
                before.sent() + checked.sent(),
                before.queued() + checked.refused().size(),
                before.lost() + checked.lost().size());
    }
}
