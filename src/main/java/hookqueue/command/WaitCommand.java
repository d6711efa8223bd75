package hookqueue.command;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.DeliveryRowFormat;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;

/**
 * The answer to {@code wait}: is it done? It looks at the queue again whenever that changes, and
 * keeps nothing in memory but which paths it waits for, so a client that asks again after a restart
 * of the worker gets the same answer.
 *
 * <p>Settled means: delivered to every destination in the settings, or failed. A path that was
 * never queued here is an error, because nothing can be said about it; so is one that the settings
 * exclude, and one that has no destination in the settings. A tag that was never used has nothing
 * to wait for, unless paths have come back from their roots after a loss: these have no tags any
 * more, and may have had this one.
 */
final class WaitCommand {
    /** The limit for all clients together: the paths stay in memory during the wait, some 6 MB. */
    private static final int MOST_WAITED_FOR = 50_000;

    private static final int MOST_NAMED = 100;
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

    String answer(Request.Wait wait, Reply reply)
            throws IOException, QueueException, InterruptedException {
        String tag = wait.tag();
        if (tag != null) {
            boolean known = queue.call(t -> t.waits().knownTag(tag));
            WaitTarget.Rows rows =
                    known
                            ? (t, after) -> t.waits().tagged(tag, after, WaitTarget.Rows.PAGE)
                            : (t, after) -> t.waits().untagged(after, WaitTarget.Rows.PAGE);
            String answer = untilSettled(wait, new WaitTarget.Paths(queue, rows), reply);
            return known || !answer.equals("ok") ? answer : "ok nothing was queued with tag " + tag;
        }
        if (wait.paths().isEmpty()) {
            return untilSettled(wait, new WaitTarget.Everything(queue), reply);
        }
        int count = wait.paths().size();
        if (!waitedFor.tryAcquire(count)) {
            return "error too many paths are waited for at once; wait for a tag, or try again later";
        }
        try {
            return forPaths(wait, reply);
        } finally {
            waitedFor.release(count);
        }
    }

    private String forPaths(Request.Wait wait, Reply reply)
            throws IOException, QueueException, InterruptedException {
        var known = new TreeSet<Long>();
        var unknown = new ArrayList<String>();
        List<StorePath> paths = wait.paths();
        for (int from = 0; from < paths.size(); from += WaitTarget.Rows.PAGE) {
            List<StorePath> page =
                    paths.subList(from, Math.min(paths.size(), from + WaitTarget.Rows.PAGE));
            List<Optional<Long>> rows =
                    queue.call(t -> {
                        var found = new ArrayList<Optional<Long>>(page.size());
                        for (StorePath path : page) {
                            found.add(t.waits().id(path));
                        }
                        return found;
                    });
            for (int i = 0; i < rows.size(); i++) {
                String path = page.get(i).in(storeDir);
                rows.get(i).ifPresentOrElse(known::add, () -> unknown.add(path));
            }
        }
        if (!unknown.isEmpty()) {
            return "error never queued here: "
                    + unknown.stream().limit(MOST_NAMED).collect(Collectors.joining(" "));
        }
        WaitTarget.Rows page =
                (t, after) ->
                        known.tailSet(after, false).stream().limit(WaitTarget.Rows.PAGE).toList();
        return untilSettled(wait, new WaitTarget.Paths(queue, page), reply);
    }

    private String untilSettled(Request.Wait wait, WaitTarget target, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Duration timeout = wait.timeout();
        long end = timeout == null ? Long.MAX_VALUE : System.nanoTime() + timeout.toNanos();
        while (true) {
            long seen = queue.version();
            if (target.settled()) {
                WaitTarget.End ended = target.end();
                if (!ended.outstanding()) {
                    queue.awaitRoots(); // a client that is told "ok" may collect garbage
                    return answer(ended, reply);
                }
            }
            long left = timeout == null ? LOOK_AGAIN_MILLIS : (end - System.nanoTime()) / 1_000_000;
            if (timeout != null && left <= 0) {
                return "error not settled after %s: %s left"
                        .formatted(Durations.shown(timeout), target.left());
            }
            reply.flush(); // notices a client that has gone
            queue.awaitChange(seen, Math.min(left, LOOK_AGAIN_MILLIS));
        }
    }

    private String answer(WaitTarget.End ended, Reply reply) throws IOException {
        for (DeliveryRow row : ended.failed()) {
            reply.data(DeliveryRowFormat.text(row, storeDir, clock.instant()));
        }
        if (!ended.failed().isEmpty()) {
            return "error failed: " + ended.failed().size();
        }
        return ended.stranded()
                ? "error paths have no destination in the settings any more; see status"
                : "ok";
    }
}
