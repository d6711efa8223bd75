package hookqueue.command;

import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.Overview;
import hookqueue.report.ProgressBars;
import hookqueue.report.StatusJson;
import hookqueue.report.StatusText;
import java.io.IOException;

/**
 * The answer to {@code watch}: progress until the queue is empty.
 *
 * <p>A watcher costs at most four looks at the queue a second, however fast it changes, and a fixed
 * amount of memory. The connection gives up on a watcher that does not read; no other client waits
 * for it.
 */
record WatchCommand(Queue queue, Overview.Source overviews, StatusText status) {
    private static final long SHORTEST_MILLIS = 250;
    private static final long LONGEST_MILLIS = 1_000;

    String answer(Request.Watch watch, Reply reply)
            throws IOException, QueueException, InterruptedException {
        long seen = queue.version();
        Overview now = overviews.look();
        var bars = new ProgressBars(status, now, watch.screen().since());
        String last = "";
        while (now.outstanding() > 0 || !now.running().isEmpty()) {
            last = tell(watch, now, bars, last, reply);
            reply.flush(); // notices a client that has gone
            Thread.sleep(SHORTEST_MILLIS);
            queue.awaitChange(seen, LONGEST_MILLIS - SHORTEST_MILLIS);
            seen = queue.version();
            now = overviews.look();
        }
        tell(watch, now, bars, last, reply);
        if (watch.form() == Request.Watch.Form.JSON) {
            return "ok"; // a client prints what follows, and it would be no JSON
        }
        String total = bars.total(now);
        String done = "ok nothing left to do" + (total.isEmpty() ? "" : ": " + total);
        return now.failed() == 0
                ? done
                : done + ", " + now.failed() + " failed; see why: nix-post-build-hook-queue failed";
    }

    /** Returns the summary, which is not told again until it changes. */
    private String tell(
            Request.Watch watch, Overview now, ProgressBars bars, String last, Reply reply)
            throws IOException {
        String summary = status.summary(now);
        switch (watch.form()) {
            case TEXT -> {
                if (!summary.equals(last)) {
                    reply.data(summary);
                }
            }
            case JSON -> reply.data(StatusJson.of(now, summary));
            case BARS -> {
                Request.Screen screen = watch.screen();
                reply.data(bars.lines(now, screen.columns(), screen.rows()));
                reply.data("draw\t" + bars.since());
            }
        }
        return summary;
    }
}
