package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * A live session over a real socket: one reply to each line, in order, for any bytes, and no data
 * line that could be mistaken for a reply's last line. {@code ./dev fuzz} searches for bytes that
 * violate this.
 */
final class SessionFuzz {
    /** Fits into the socket's buffer, so that one thread can send it and then read the replies. */
    private static final int MOST = 16 * 1024;

    private static final Path SOCKET;
    private static final AFUNIXServerSocketChannel LISTENING;

    static {
        try {
            SOCKET = Files.createTempDirectory("npbhq-fuzz").resolve("s");
            LISTENING = AFUNIXServerSocketChannel.open();
            LISTENING.bind(AFUNIXSocketAddress.of(SOCKET));
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(() -> {
                                SOCKET.toFile().delete();
                                SOCKET.getParent().toFile().delete();
                            }));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SessionFuzz() {}

    /** Replies with the request and more data lines. */
    private static final class Echo implements RequestHandler {
        @Override
        public Pending enqueue(List<Request.Enqueue> requests) {
            return () -> requests.stream().map(Echo::last).toList();
        }

        @Override
        public String answer(Request request, Peer peer, Reply reply) throws IOException {
            reply.data("ok, but not yet");
            reply.data("error, nor this");
            return last(request);
        }

        static String last(Request request) {
            return switch (request) {
                case Request.Enqueue e ->
                        "ok queued " + e.paths().size() + " refused " + e.refused().size();
                case Request.Bad bad -> "error " + bad.reason();
                default -> "ok " + request.getClass().getSimpleName();
            };
        }
    }

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length <= MOST) {
            try {
                assertEquals(expected(data), replies(data));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static List<String> expected(byte[] data) {
        var expected = new ArrayList<String>();
        int start = 0;
        for (int i = 0; i <= data.length; i++) {
            if (i == data.length ? i > start : data[i] == '\n') {
                String line = new String(data, start, i - start, StandardCharsets.UTF_8);
                expected.add(Echo.last(Request.parse(RequestFuzz.STORE, line)));
                start = i + 1;
            }
        }
        return expected;
    }

    private static List<String> replies(byte[] data) throws IOException {
        try (var client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            client.connect(UnixDomainSocketAddress.of(SOCKET));
            var connection = new Connection(LISTENING.accept());
            var thread =
                    new Thread(
                            new Session(
                                    connection,
                                    RequestFuzz.STORE,
                                    new Echo(),
                                    Session.Patience.STANDARD,
                                    new Semaphore(Listener.MOST_LONG_LINES, true),
                                    new Semaphore(Listener.MOST_SLOW),
                                    session -> {}));
            thread.start();
            var bytes = ByteBuffer.wrap(data);
            while (bytes.hasRemaining()) {
                client.write(bytes);
            }
            client.shutdownOutput();
            String replies =
                    new String(
                            Channels.newInputStream(client).readAllBytes(), StandardCharsets.UTF_8);
            return replies.lines()
                    .filter(line -> line.startsWith("ok") || line.startsWith("error"))
                    .toList();
        }
    }
}
