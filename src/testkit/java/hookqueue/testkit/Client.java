package hookqueue.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** One connection to the queue. */
public final class Client implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;

    public Client(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8), 1 << 16);
    }

    public void send(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** The lines of the next answer; an exception if the last line is an error. */
    public List<String> reply() throws IOException {
        var lines = new ArrayList<String>();
        while (true) {
            String line = in.readLine();
            if (line == null) {
                throw new IOException("the worker closed the connection before it answered");
            }
            lines.add(line);
            if (line.startsWith("error")) {
                throw new IOException("the worker answered: " + line);
            }
            if (line.startsWith("ok")) {
                return lines;
            }
        }
    }

    public List<String> ask(String line) throws IOException {
        send(line + "\n");
        return reply();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
