package hookqueue.command;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestText;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.report.Overview;
import hookqueue.report.StatusText;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code retry}, {@code drop}, {@code pause}, {@code resume} and {@code reload}: only for
 * operators.
 */
record OperatorCommands(
        Queue queue,
        String storeDir,
        Overview.Source overviews,
        StatusText status,
        InstantSource clock,
        long ownUid) {
    private static final Logger LOG = LoggerFactory.getLogger(OperatorCommands.class);

    /** Deliveries that one transaction drops. */
    private static final int PAGE = 500;

    private static final int MOST_NAMED = Request.MOST_REASONS;

    String answer(Request.Operation asked, Peer peer) throws QueueException, InterruptedException {
        String verb = RequestText.of(asked, storeDir).split(" ", 2)[0];
        if (!permits(peer)) {
            return refusal(peer, verb);
        }
        String answer =
                switch (asked) {
                    case Request.Retry retry -> retry(retry.paths());
                    case Request.Drop drop -> drop(drop.paths());
                    case Request.DropDestination drop -> dropDestination(drop.name());
                    case Request.Pause pause -> pause(pause.time());
                    case Request.Resume _ -> resume();
                    case Request.Reload _ -> "ok " + overviews.restart().request();
                };
        LOG.info("{} by uid {}: {}", verb, peer.uid(), answer);
        return answer;
    }

    boolean permits(Peer peer) {
        return peer.mayOperate(ownUid);
    }

    static String refusal(Peer peer, String verb) {
        return "error %s is for root and the worker's own user, not for uid %s"
                .formatted(verb, peer.uid());
    }

    private String retry(List<StorePath> paths) throws QueueException, InterruptedException {
        if (paths.isEmpty()) {
            int due = queue.call(t -> t.retries().retryAll(clock.millis()));
            long stranded = overviews.look().stranded();
            if (stranded == 0) {
                return "ok due now: " + due;
            }
            return "%s due now: %s; for removed destinations: %s (see status)"
                    .formatted(due == 0 ? "error" : "ok", due, stranded);
        }
        return each(
                paths,
                "due now",
                (t, path) ->
                        switch (t.retries().retry(path, clock.millis())) {
                            case DUE -> "";
                            case NO_DESTINATION -> "for removed destinations alone";
                            case NOT_QUEUED -> "not queued";
                        });
    }

    private String drop(List<StorePath> paths) throws QueueException, InterruptedException {
        return each(
                paths,
                "dropped",
                (t, path) -> t.removals().drop(path, clock.millis()) ? "" : "not queued");
    }

    /** Also drops the deliveries to a destination that is no longer configured. */
    private String dropDestination(String name) throws QueueException, InterruptedException {
        if (name.equals(LaneStore.SIGN)) {
            return "error " + name + " is no destination: it signs";
        }
        int dropped = 0;
        Optional<Integer> some;
        do {
            some = queue.call(t -> t.removals().dropLane(name, PAGE, clock.millis()));
            dropped += some.orElse(0);
        } while (some.orElse(0) > 0);
        if (some.isPresent()) {
            return "ok dropped: " + dropped;
        }
        List<String> names =
                overviews.look().lanes().stream()
                        .map(LaneCounts::name)
                        .filter(each -> !each.equals(LaneStore.SIGN))
                        .toList();
        return "error no destination %s; there are: %s"
                .formatted(Text.quoted(name), String.join(" ", names));
    }

    /** An operation on one path; returns an error text, or nothing. */
    private interface Change {
        String apply(QueueTransaction transaction, StorePath path) throws SQLException;
    }

    private String each(List<StorePath> paths, String done, Change change)
            throws QueueException, InterruptedException {
        Map<String, List<StorePath>> wrong =
                queue.call(transaction -> {
                    var found = new TreeMap<String, List<StorePath>>();
                    for (StorePath path : paths) {
                        String problem = change.apply(transaction, path);
                        if (!problem.isEmpty()) {
                            found.computeIfAbsent(problem, p -> new ArrayList<>()).add(path);
                        }
                    }
                    return found;
                });
        int count = paths.size() - wrong.values().stream().mapToInt(List::size).sum();
        var reply = new StringBuilder(wrong.isEmpty() ? "ok " : "error ").append(done);
        reply.append(": ").append(count);
        wrong.forEach((problem, some) -> {
            reply.append("; ").append(problem).append(':');
            some.stream()
                    .limit(MOST_NAMED)
                    .forEach(path -> reply.append(' ').append(path.in(storeDir)));
        });
        return reply.toString();
    }

    private String pause(@Nullable Duration time) throws QueueException, InterruptedException {
        long now = clock.millis();
        queue.call(transaction -> {
            transaction.meta().pause(now, time == null ? 0 : now + time.toMillis());
            return true;
        });
        return "ok " + status.paused(overviews.look()) + "; a running batch continues to its end";
    }

    private String resume() throws QueueException, InterruptedException {
        return queue.call(transaction -> {
            transaction.meta().resume();
            return "ok resumed";
        });
    }
}
