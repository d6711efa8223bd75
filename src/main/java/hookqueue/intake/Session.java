package hookqueue.intake;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, on its own thread: reads lines, has them answered in order, writes the replies.
 *
 * <p>Path lines that are at hand together are queued together, in one commit. A client that does
 * not read its replies for a while is deaf from then on: the replies are dropped, its requests
 * still count.
 */
final class Session implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);
    private static final Duration WITHIN_LINE = Duration.ofSeconds(30);
    private static final Duration BETWEEN_LINES = Duration.ofMinutes(5);
    private static final int PATHS_TOGETHER = 1_000;
    private static final int UNSENT = 16 * 1024;

    private final AFUNIXSocketChannel channel;
    private final String storeDir;
    private final Answers answers;
    private final Runnable ended;
    private final StringBuilder unsent = new StringBuilder();
    private boolean deaf;
    private volatile long writingSince;

    /**
     * @param ended run when the session is over
     */
    Session(AFUNIXSocketChannel channel, String storeDir, Answers answers, Runnable ended) {
        this.channel = channel;
        this.storeDir = storeDir;
        this.answers = answers;
        this.ended = ended;
    }

    @Override
    public void run() {
        try {
            var credentials = channel.getPeerCredentials();
            serve(new Peer(credentials.getUid(), credentials.getPid()));
        } catch (IOException e) {
            LOG.debug("a connection broke: {}", e.toString());
        } catch (InterruptedException e) {
            LOG.debug("a connection is closed, the worker stops");
        } finally {
            close();
            ended.run();
        }
    }

    private void serve(Peer peer) throws IOException, InterruptedException {
        var socket = channel.socket();
        var lines =
                new LineReader(
                        new LineReader.Source() {
                            private final InputStream stream = socket.getInputStream();

                            @Override
                            public void limitSilence(int millis) throws IOException {
                                socket.setSoTimeout(millis);
                            }

                            @Override
                            public InputStream stream() {
                                return stream;
                            }
                        },
                        WITHIN_LINE,
                        BETWEEN_LINES);
        var waiting = new ArrayList<Request.Enqueue>();
        while (true) {
            switch (lines.next()) {
                case LineReader.Found.Line line -> {
                    Request request = Request.parse(storeDir, line.text());
                    if (request instanceof Request.Enqueue enqueue) {
                        waiting.add(enqueue);
                    } else {
                        enqueue(waiting);
                        say(answers.answer(request, peer, reply));
                    }
                }
                case LineReader.Found.TooLong tooLong -> {
                    enqueue(waiting);
                    say("error the line is longer than 1 MiB; nothing of it was queued");
                }
                case LineReader.Found.Silent silent -> {
                    enqueue(waiting);
                    say(
                            silent.withinLine()
                                    ? "error silent for "
                                            + WITHIN_LINE.toSeconds()
                                            + "s in the middle of a line"
                                    : "error no request for " + BETWEEN_LINES.toMinutes() + "min");
                    flush();
                    return;
                }
                case LineReader.Found.End end -> {
                    enqueue(waiting);
                    flush();
                    return;
                }
            }
            if (waiting.size() >= PATHS_TOGETHER || !lines.hasLine()) {
                enqueue(waiting);
                flush();
            }
        }
    }

    private void enqueue(List<Request.Enqueue> waiting) throws InterruptedException {
        if (!waiting.isEmpty()) {
            answers.enqueue(waiting).forEach(this::say);
            waiting.clear();
        }
    }

    private final Reply reply =
            new Reply() {
                @Override
                public void data(String line) throws IOException {
                    say(line.startsWith("ok") || line.startsWith("error") ? " " + line : line);
                    if (deaf) {
                        throw new IOException("nobody reads");
                    }
                }

                @Override
                public void flush() throws IOException {
                    Session.this.flush();
                    if (deaf) {
                        throw new IOException("nobody reads");
                    }
                }
            };

    private void say(String line) {
        if (!deaf) {
            unsent.append(line).append('\n');
            if (unsent.length() > UNSENT) {
                flush();
            }
        }
    }

    private void flush() {
        if (deaf || unsent.isEmpty()) {
            return;
        }
        byte[] bytes = unsent.toString().getBytes(StandardCharsets.UTF_8);
        unsent.setLength(0);
        writingSince = System.nanoTime();
        try {
            OutputStream out = channel.socket().getOutputStream();
            out.write(bytes);
            out.flush();
        } catch (IOException e) {
            deaf = true;
            LOG.debug("a client does not take its replies: {}", e.toString());
        } finally {
            writingSince = 0;
        }
    }

    /** Called by the listener: gives up on replies that nobody has read for so long. */
    void giveUpWriting(Duration limit) {
        long since = writingSince;
        if (since != 0 && System.nanoTime() - since > limit.toNanos()) {
            try {
                channel.shutdownOutput();
            } catch (IOException e) {
                LOG.debug("cannot end a connection's output: {}", e.toString());
            }
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("cannot close a connection: {}", e.toString());
        }
    }
}
