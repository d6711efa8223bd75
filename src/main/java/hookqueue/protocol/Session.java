package hookqueue.protocol;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, on its own thread: reads lines, has the handler answer them in order, writes replies.
 *
 * <p>Path lines that have arrived together are queued in one commit.
 */
final class Session implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** The most paths in one commit; an empty line counts as one. */
    private static final int PATHS_TOGETHER = 1_000;

    /** One group gets its roots, one is written to the database, one waits. */
    private static final int MOST_PENDING = 3;

    private final Connection connection;
    private final String storeDir;
    private final RequestHandler answers;
    private final Patience patience;
    private final Semaphore longLines;
    private final Semaphore slowRequests;
    private final Consumer<Session> ended;

    /** The number of paths in {@link #waiting}. */
    private int pathsWaiting;

    /** Requests to queue together; those handed over and not yet answered are {@link #pending}. */
    private final List<Request.Enqueue> waiting = new ArrayList<>();

    private final Deque<RequestHandler.Pending> pending = new ArrayDeque<>();

    /** How long a client may be silent. */
    record Patience(Duration withinLine, Duration betweenLines) {
        static final Patience STANDARD =
                new Patience(Duration.ofSeconds(30), Duration.ofMinutes(5));
    }

    Session(
            Connection connection,
            String storeDir,
            RequestHandler answers,
            Patience patience,
            Semaphore longLines,
            Semaphore slowRequests,
            Consumer<Session> ended) {
        this.connection = connection;
        this.storeDir = storeDir;
        this.answers = answers;
        this.patience = patience;
        this.longLines = longLines;
        this.slowRequests = slowRequests;
        this.ended = ended;
    }

    @Override
    public void run() {
        try (connection;
                var lines =
                        new LineReader(
                                connection,
                                patience.withinLine(),
                                patience.betweenLines(),
                                longLines)) {
            serve(connection.peer(), lines);
        } catch (IOException e) {
            LOG.debug("a connection broke: {}", e.toString());
        } catch (InterruptedException e) {
            LOG.debug("a connection is closed, the worker stops");
        } finally {
            ended.accept(this);
        }
    }

    private void serve(Peer peer, LineReader lines) throws IOException, InterruptedException {
        while (true) {
            LineReader.Found found = lines.next();
            if (found instanceof LineReader.Found.Line line) {
                take(Request.parse(storeDir, line.text()), peer);
            } else {
                settle();
                complain(found);
                if (found instanceof LineReader.Found.Silent
                        || found instanceof LineReader.Found.End) {
                    connection.flush();
                    return;
                }
            }
            if (!lines.hasLine() || lines.holdsLong()) {
                settle();
                connection.flush();
            } else if (pathsWaiting >= PATHS_TOGETHER) {
                handOver();
            }
        }
    }

    private void complain(LineReader.Found found) {
        if (found instanceof LineReader.Found.TooLong) {
            connection.say("error the line is longer than 1 MiB; nothing of it was queued");
        } else if (found instanceof LineReader.Found.NoRoom) {
            connection.say(
                    "error too many long lines at once; nothing of it was queued, try again later");
        } else if (found instanceof LineReader.Found.Silent silent) {
            boolean within = silent.withinLine();
            Duration limit = within ? patience.withinLine() : patience.betweenLines();
            String where = within ? "in the middle of a line" : "between two lines";
            connection.say("error silent for " + limit.toSeconds() + "s " + where);
        }
    }

    private void take(Request request, Peer peer) throws InterruptedException {
        if (request instanceof Request.Enqueue enqueue) {
            waiting.add(enqueue);
            pathsWaiting += Math.max(1, enqueue.paths().size() + enqueue.refused().size());
            return;
        }
        settle();
        if (!request.isSlow()) {
            answer(request, peer);
        } else if (slowRequests.tryAcquire()) {
            try {
                answer(request, peer);
            } finally {
                slowRequests.release();
            }
        } else {
            connection.say(
                    "error "
                            + Listener.MOST_SLOW
                            + " clients wait, watch or explain already; try again later");
        }
    }

    private void answer(Request request, Peer peer) throws InterruptedException {
        try {
            connection.say(answers.answer(request, peer, reply));
        } catch (IOException e) {
            LOG.debug("a request was cancelled: {}", e.toString()); // more lines may follow
        }
    }

    private void handOver() throws InterruptedException {
        if (!waiting.isEmpty()) {
            pending.add(answers.enqueue(List.copyOf(waiting)));
            waiting.clear();
            pathsWaiting = 0;
            if (pending.size() >= MOST_PENDING) {
                pending.remove().replies().forEach(connection::say);
            }
        }
    }

    /** Answers every line that was read so far. */
    private void settle() throws InterruptedException {
        handOver();
        while (!pending.isEmpty()) {
            pending.remove().replies().forEach(connection::say);
        }
    }

    private final Reply reply =
            new Reply() {
                @Override
                public void data(String line) {
                    connection.say(
                            line.startsWith("ok") || line.startsWith("error") ? " " + line : line);
                }

                @Override
                public void flush() throws IOException {
                    connection.flush();
                    if (connection.isDeaf()) {
                        throw new IOException("the client is gone");
                    }
                }
            };

    /** As {@link Connection#giveUpWriting}. */
    void giveUpWriting(Duration limit) {
        connection.giveUpWriting(limit);
    }

    void close() {
        connection.close();
    }
}
