package hookqueue.command;

import hookqueue.delivery.Lane;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.Overview;
import hookqueue.report.ProgressBars;
import hookqueue.report.StatusJson;
import hookqueue.report.StatusText;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;

/**
 * The answer to {@code watch}: what happens, until nothing is left to do.
 *
 * <p>A watcher costs a look at the queue at most four times a second, however fast that changes,
 * and no memory that grows. One that does not read its lines is given up by the connection; it
 * keeps nobody else waiting.
 */
final class WatchCommand {
    private static final long SHORTEST_MILLIS = 250;
    private static final long LONGEST_MILLIS = 1_000;

    private final Queue queue;
    private final List<Lane> lanes;
    private final StatusText status;
    private final InstantSource clock;

    WatchCommand(Queue queue, List<Lane> lanes, StatusText status, InstantSource clock) {
        this.queue = queue;
        this.lanes = lanes;
        this.status = status;
        this.clock = clock;
    }

    String answer(Request.Watch watch, Reply reply)
            throws IOException, QueueException, InterruptedException {
        long seen = queue.version();
        Overview now = Overview.of(queue, lanes, clock);
        var bars = new ProgressBars(status, now);
        String last = "";
        while (now.outstanding() > 0 || !now.running().isEmpty()) {
            last = tell(watch.form(), now, bars, last, reply);
            reply.flush(); // notices a client that has gone
            Thread.sleep(SHORTEST_MILLIS);
            queue.awaitChange(seen, LONGEST_MILLIS - SHORTEST_MILLIS);
            seen = queue.version();
            now = Overview.of(queue, lanes, clock);
        }
        tell(watch.form(), now, bars, last, reply);
        if (watch.form() == Request.Watch.Form.JSON) {
            return "ok"; // a client prints what follows, and it would be no JSON
        }
        String total = bars.total(now);
        return "ok nothing left to do"
                + (total.isEmpty() ? "" : ": " + total)
                + (now.failed() == 0
                        ? ""
                        : ", "
                                + now.failed()
                                + " failed; see why: nix-post-build-hook-queue failed");
    }

    /** Returns the text that was told last, which is not told again. */
    private String tell(
            Request.Watch.Form form, Overview now, ProgressBars bars, String last, Reply reply)
            throws IOException {
        String summary = status.summary(now);
        switch (form) {
            case TEXT -> {
                if (!summary.equals(last)) {
                    reply.data(summary);
                }
            }
            case JSON -> reply.data(StatusJson.of(now, summary));
            case BARS -> {
                for (String line : bars.lines(now)) {
                    reply.data(line);
                }
                reply.data("draw");
            }
        }
        return summary;
    }
}
