package hookqueue.e2e;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;

/**
 * A client with another implementation of Unix sockets than the worker's. The test controls every
 * byte.
 */
final class OtherClient implements AutoCloseable {
    private final UnixSocketChannel channel;
    private final BufferedReader replies;

    OtherClient(Path socket) throws IOException {
        channel = UnixSocketChannel.open(new UnixSocketAddress(socket.toFile()));
        replies =
                new BufferedReader(
                        new InputStreamReader(
                                Channels.newInputStream(channel), StandardCharsets.UTF_8));
    }

    OtherClient send(String bytes) throws IOException {
        return send(bytes.getBytes(StandardCharsets.UTF_8));
    }

    OtherClient send(byte[] bytes) throws IOException {
        var buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        return this;
    }

    /** Half-closes the connection: the client can still read replies. */
    OtherClient halfClose() throws IOException {
        channel.shutdownOutput();
        return this;
    }

    /** The next line, null at the end. */
    String line() throws IOException {
        return replies.readLine();
    }

    /** The last line of a reply; skips the data lines. */
    String lastLine() throws IOException {
        String line = line();
        while (line != null && !line.startsWith("ok") && !line.startsWith("error")) {
            line = line();
        }
        return String.valueOf(line);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
