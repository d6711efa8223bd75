package hookqueue.protocol;

import hookqueue.base.Text;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.FileDescriptorCast;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of one connection. A peer that does not take its replies for a while, or has gone, is
 * deaf from then on: replies are dropped, but every byte it sent can still be read.
 *
 * <p>Replies are written to the plain descriptor, because junixsocket closes a socket whose peer
 * has gone at the first failed write, and what the peer had sent before would be lost with it.
 */
final class Connection implements LineReader.Source, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
    private static final int UNSENT = 16 * 1024;

    private final AFUNIXSocketChannel channel;
    private final AFUNIXSocket socket;
    private final InputStream in;
    private final OutputStream out;
    private final StringBuilder unsent = new StringBuilder();
    private boolean deaf;

    /**
     * A descriptor of its own for asking whether the peer is there: asking closes it when not, and
     * closing shuts down.
     */
    private @Nullable AFUNIXSocket probe;

    private volatile long writingSince;

    /**
     * @param channel in blocking mode
     */
    Connection(AFUNIXSocketChannel channel) throws IOException {
        this.channel = channel;
        this.socket = (AFUNIXSocket) channel.socket();
        this.in = socket.getInputStream();
        this.out = new FileOutputStream(channel.getFileDescriptor());
    }

    /** Who it is. */
    Peer peer() throws IOException {
        var credentials = channel.getPeerCredentials();
        return new Peer(credentials.getUid(), credentials.getPid());
    }

    @Override
    public void limitSilence(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    @Override
    public InputStream stream() {
        return in;
    }

    /** Says one line; it is sent when there is enough of it, or with {@link #flush()}. */
    void say(String line) {
        if (!deaf) {
            unsent.append(Text.line(line)).append('\n'); // the last defence of a terminal
            if (unsent.length() > UNSENT) {
                flush();
            }
        }
    }

    void flush() {
        if (deaf || unsent.isEmpty()) {
            return;
        }
        byte[] bytes = unsent.toString().getBytes(StandardCharsets.UTF_8);
        unsent.setLength(0);
        writingSince = System.nanoTime();
        try {
            out.write(bytes);
        } catch (IOException e) {
            deaf = true;
            LOG.debug("a client does not take its replies: {}", e.toString());
        } finally {
            writingSince = 0;
        }
    }

    /**
     * Whether nobody can hear us any more. A peer that has only ended its own output still listens.
     */
    boolean isDeaf() throws IOException {
        if (!deaf) {
            if (probe == null) {
                probe =
                        FileDescriptorCast.duplicating(channel.getFileDescriptor())
                                .as(AFUNIXSocket.class);
            }
            deaf = probe.checkConnectionClosed();
        }
        return deaf;
    }

    /** Called by the listener: gives up on replies that the peer has left unread for so long. */
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

    @Override
    public void close() {
        try (AFUNIXSocketChannel all = channel;
                AFUNIXSocket duplicate = probe) {
            LOG.trace("closing {} and {}", all, duplicate);
        } catch (IOException e) {
            LOG.debug("cannot close a connection: {}", e.toString());
        }
    }
}
