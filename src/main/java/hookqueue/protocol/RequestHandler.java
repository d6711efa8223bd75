package hookqueue.protocol;

import java.io.IOException;
import java.util.List;

/** Answers requests. Called concurrently, on the threads of the connections. */
public interface RequestHandler {
    /**
     * Queues the paths of several requests together. It may return before they are queued; calls
     * are queued in order.
     */
    Pending enqueue(List<Request.Enqueue> requests);

    /** Future replies. */
    @FunctionalInterface
    interface Pending {
        /** Waits for the last line of each request's reply, in order. */
        List<String> replies() throws InterruptedException;
    }

    /**
     * Answers any other request.
     *
     * @return the last line of the reply, which starts with {@code ok} or {@code error}
     * @throws IOException from {@code reply}
     */
    String answer(Request request, Peer peer, Reply reply) throws IOException, InterruptedException;
}
