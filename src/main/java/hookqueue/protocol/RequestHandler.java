package hookqueue.protocol;

import java.io.IOException;
import java.util.List;

/** What requests mean. Called on the threads of the connections, by many at once. */
public interface RequestHandler {
    /**
     * Queues the paths of several requests in one go. It need not wait for the end of it: what is
     * handed over first is queued first.
     */
    Pending enqueue(List<Request.Enqueue> requests);

    /** Replies that are still to come. */
    @FunctionalInterface
    interface Pending {
        /** Waits for the last line of each request's reply, in order. */
        List<String> replies() throws InterruptedException;
    }

    /**
     * Answers any other request.
     *
     * @param reply takes the data lines
     * @return the last line of the reply, which starts with {@code ok} or {@code error}
     * @throws IOException from {@code reply}
     */
    String answer(Request request, Peer peer, Reply reply) throws IOException, InterruptedException;
}
