import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Answers "ok" to every line, and does nothing else: no hook can be faster than this. */
final class TrivialServer implements AutoCloseable {
    private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);

    TrivialServer(Path socket) throws IOException {
        listener.bind(UnixDomainSocketAddress.of(socket), 128);
        Thread.ofPlatform().daemon().start(this::serve);
    }

    private void serve() {
        var line = ByteBuffer.allocate(1 << 16);
        byte[] ok = "ok queued 1\n".getBytes(StandardCharsets.UTF_8);
        while (true) {
            try (SocketChannel client = listener.accept()) {
                line.clear();
                while (client.read(line) >= 0 && line.get(line.position() - 1) != '\n') {}
                client.write(ByteBuffer.wrap(ok));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                System.err.println("a client of the trivial server disconnected: " + e.getMessage());
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
