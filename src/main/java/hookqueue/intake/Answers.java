package hookqueue.intake;

import java.io.IOException;
import java.util.List;

/** What requests mean. Called on the threads of the connections, by many at once. */
public interface Answers {
    /**
     * Queues the paths of several requests in one go.
     *
     * @return the last line of each one's reply, in order
     */
    List<String> enqueue(List<Request.Enqueue> requests) throws InterruptedException;

    /**
     * Answers any other request.
     *
     * @param reply takes the data lines
     * @return the last line of the reply, which starts with {@code ok} or {@code error}
     * @throws IOException from {@code reply}
     */
    String answer(Request request, Peer peer, Reply reply) throws IOException, InterruptedException;
}
