package hookqueue.command;

import hookqueue.base.Filters;
import hookqueue.base.Text;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler.Pending;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Queues the paths that the filters let through, and replies after the commit. */
record EnqueueCommand(Queue queue, Filters filters, InstantSource clock) {
    private static final Logger LOG = LoggerFactory.getLogger(EnqueueCommand.class);
    private static final int MOST_NAMED = Request.MOST_REASONS;

    /** The filters run on the session's thread: a regular expression may take its time. */
    Pending submit(List<Request.Enqueue> requests) {
        var taken = new ArrayList<Filters.Selection>(requests.size());
        for (Request.Enqueue request : requests) {
            taken.add(filters.select(request.paths()));
        }
        Queue.Submitted<Boolean> commit =
                queue.submit(transaction -> {
                    for (int i = 0; i < taken.size(); i++) {
                        transaction
                                .paths()
                                .enqueue(taken.get(i), requests.get(i).tag(), clock.millis());
                    }
                    return true;
                });
        return () -> replies(requests, taken, commit);
    }

    private static List<String> replies(
            List<Request.Enqueue> requests,
            List<Filters.Selection> taken,
            Queue.Submitted<Boolean> commit)
            throws InterruptedException {
        try {
            commit.await();
            var replies = new ArrayList<String>(requests.size());
            for (int i = 0; i < requests.size(); i++) {
                replies.add(reply(requests.get(i), taken.get(i).taken().size()));
            }
            return replies;
        } catch (QueueException e) {
            LOG.error("nothing can be queued: {}", e.getMessage());
            return requests.stream()
                    .map(request -> "error not queued: " + Text.oneLine(e.getMessage()))
                    .toList();
        }
    }

    private static String reply(Request.Enqueue request, int queued) {
        int filtered = request.paths().size() - queued;
        String excluded = filtered == 0 ? "" : " excluded " + filtered;
        List<String> refused = request.refused();
        if (refused.isEmpty()) {
            return "ok queued " + queued + excluded;
        }
        String named = String.join("; ", refused.subList(0, Math.min(MOST_NAMED, refused.size())));
        String more =
                refused.size() > MOST_NAMED
                        ? "; and " + (refused.size() - MOST_NAMED) + " more"
                        : "";
        return "error refused %s, queued %s%s: %s%s"
                .formatted(refused.size(), queued, excluded, named, more);
    }
}
