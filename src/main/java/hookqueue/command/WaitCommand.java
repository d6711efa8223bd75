package hookqueue.command;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.queue.WaitQueries;
import hookqueue.report.DeliveryRowFormat;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The answer to {@code wait}: is it done? It looks at the queue again whenever that changes, and
 * keeps nothing in memory, so that a client which asks again after a restart of the worker gets the
 * same answer.
 *
 * <p>Settled means: delivered to every destination in the settings, or failed. A path that was
 * never queued here is an error, because nothing can be said about it; so is one that the settings
 * exclude. A tag that was never used has nothing to wait for, unless paths have come back from
 * their roots after a loss: these have no tags any more, and may have had this one.
 */
final class WaitCommand {
    private static final int MOST_FAILED = 1_000;

    /** They stay in memory as long as somebody waits: by all clients together, some 6 MB. */
    private static final int MOST_WAITED_FOR = 50_000;

    private static final long LOOK_AGAIN_MILLIS = 5_000;

    private final Queue queue;
    private final String storeDir;
    private final InstantSource clock;
    private final Semaphore waitedFor = new Semaphore(MOST_WAITED_FOR);

    WaitCommand(Queue queue, String storeDir, InstantSource clock) {
        this.queue = queue;
        this.storeDir = storeDir;
        this.clock = clock;
    }

    /** How it stands with what is waited for. */
    private record Standing(
            long outstanding, List<DeliveryRow> failed, List<StorePath> unknown, boolean nothing) {}

    String answer(Request.Wait wait, Reply reply)
            throws IOException, QueueException, InterruptedException {
        int count = wait.paths().size();
        if (!waitedFor.tryAcquire(count)) {
            return "error too many paths are waited for at once; wait for a tag, or try again later";
        }
        try {
            return untilSettled(wait, reply);
        } finally {
            waitedFor.release(count);
        }
    }

    private String untilSettled(Request.Wait wait, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Duration timeout = wait.timeout();
        long end = timeout == null ? Long.MAX_VALUE : System.nanoTime() + timeout.toNanos();
        while (true) {
            long seen = queue.version();
            Standing standing = queue.call(transaction -> look(transaction, wait));
            if (!standing.unknown().isEmpty()) {
                String names =
                        String.join(
                                " ",
                                standing.unknown().stream()
                                        .limit(100)
                                        .map(p -> p.in(storeDir))
                                        .toList());
                return "error never queued here: " + names;
            }
            if (standing.outstanding() == 0) {
                return settled(standing, wait.tag(), reply);
            }
            long left = timeout == null ? LOOK_AGAIN_MILLIS : (end - System.nanoTime()) / 1_000_000;
            if (timeout != null && left <= 0) {
                return "error not settled after "
                        + Durations.shown(timeout)
                        + ": "
                        + standing.outstanding()
                        + " left";
            }
            reply.flush(); // notices a client that has gone
            queue.awaitChange(seen, Math.min(left, LOOK_AGAIN_MILLIS));
        }
    }

    private String settled(Standing standing, @Nullable String tag, Reply reply)
            throws IOException {
        for (DeliveryRow row : standing.failed()) {
            reply.data(DeliveryRowFormat.text(row, storeDir, clock.instant()));
        }
        if (!standing.failed().isEmpty()) {
            return "error failed: " + standing.failed().size();
        }
        return standing.nothing() ? "ok nothing was queued with tag " + tag : "ok";
    }

    private static Standing look(QueueTransaction transaction, Request.Wait wait)
            throws SQLException {
        WaitQueries waits = transaction.waits();
        if (wait.tag() != null && !waits.knownTag(wait.tag())) {
            return new Standing(
                    waits.outstandingUntagged(),
                    waits.failedUntagged(MOST_FAILED),
                    List.of(),
                    true);
        }
        if (wait.paths().isEmpty()) {
            return new Standing(
                    waits.outstanding(wait.tag()),
                    waits.failed(wait.tag(), MOST_FAILED),
                    List.of(),
                    false);
        }
        long outstanding = 0;
        var failed = new ArrayList<DeliveryRow>();
        var unknown = new ArrayList<StorePath>();
        for (StorePath path : wait.paths()) {
            List<DeliveryRow> rows =
                    transaction.reports().standing(path).stream()
                            .filter(DeliveryRow::configured)
                            .toList();
            if (rows.isEmpty() && !transaction.reports().known(path)) {
                unknown.add(path);
            }
            if (rows.stream()
                    .anyMatch(row ->
                            row.state() == DeliveryRow.State.FRESH
                                    || row.state() == DeliveryRow.State.DEFERRED)) {
                outstanding++;
            }
            rows.stream()
                    .filter(row -> row.state() == DeliveryRow.State.FAILED)
                    .forEach(failed::add);
        }
        return new Standing(outstanding, failed, unknown, false);
    }
}
