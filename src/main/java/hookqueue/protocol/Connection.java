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
 * The bytes of one connection. When the client disconnects, or does not read for 5 s, the
 * connection is deaf: it drops replies, but still reads every byte that the client sent.
 *
 * <p>Replies go to the plain descriptor. junixsocket would close the socket at the first failed
 * write, and the bytes that the client sent before would be lost.
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

    /** A duplicate descriptor to ask whether the client is connected, which may close it. */
    private @Nullable AFUNIXSocket probe;

    private volatile long writingSince;

    /** The channel must be in blocking mode. */
    Connection(AFUNIXSocketChannel channel) throws IOException {
        this.channel = channel;
        this.socket = (AFUNIXSocket) channel.socket();
        this.in = socket.getInputStream();
        this.out = new FileOutputStream(channel.getFileDescriptor());
    }

    /** The process at the other end. */
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

    /** Buffers one line; a full buffer is sent, and {@link #flush()} sends the rest. */
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
            LOG.debug("a client does not read its replies: {}", e.toString());
        } finally {
            writingSince = 0;
        }
    }

    /** Whether replies reach nobody. A client that has only half-closed still reads. */
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

    /** Called by the listener: drops replies that the client has not read for {@code limit}. */
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
