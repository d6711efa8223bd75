import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A long wire to a port on this machine: whatever is sent arrives so many milliseconds later, in both directions, and a
 * connection takes a round trip to be made. It carries as much as one likes at a time. In place of `tc qdisc … netem`,
 * which not every kernel has and only root may use.
 */
final class Delay implements AutoCloseable {
    /** What was read, and when it is to arrive; an empty one is the end. */
    private record Piece(byte[] bytes, long due) {}

    /** Four Nix ask through 25 connections each; one that finds the queue full tries again after a second. */
    private static final int CONNECTIONS = 1_000;

    private final ServerSocket listener;
    private final int to;
    private final long oneWay;
    private final long bytesPerSecond;
    private final AtomicLong sent = new AtomicLong();

    /** When the wire has carried all that it was given, by System.nanoTime; guarded by this. */
    private long freeAt = System.nanoTime();

    Delay(int to, int milliseconds) throws IOException {
        this(to, milliseconds, Long.MAX_VALUE);
    }

    /** At most so many bytes a second on the way to the port, shared by all connections. */
    Delay(int to, int milliseconds, long bytesPerSecond) throws IOException {
        this.to = to;
        this.bytesPerSecond = bytesPerSecond;
        oneWay = TimeUnit.MILLISECONDS.toNanos(milliseconds);
        listener = new ServerSocket();
        listener.setReceiveBufferSize(1 << 16); // or the machine would carry what the wire cannot yet
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), CONNECTIONS);
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Bytes on the way to the port so far. */
    long sent() {
        return sent.get();
    }

    private synchronized long carriedAt(long bytes) {
        long time = bytesPerSecond == Long.MAX_VALUE ? 0 : bytes * 1_000_000_000L / bytesPerSecond;
        freeAt = Math.max(freeAt, System.nanoTime()) + time;
        return freeAt;
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket near = listener.accept();
                near.setTcpNoDelay(true);
                Socket far = new Socket(InetAddress.getLoopbackAddress(), to);
                far.setTcpNoDelay(true);
                // The client takes itself to be connected at once; what it sends first waits for the handshake's round
                // trip, and so does what the server would have sent after it.
                long connected = System.nanoTime() + 2 * oneWay;
                carry(near, far, connected, true);
                carry(far, near, connected - oneWay, false);
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket from, Socket to, long notBefore, boolean upward) throws IOException {
        var pieces = new LinkedBlockingQueue<Piece>();
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        Thread.ofVirtual().start(() -> read(in, pieces, notBefore, upward));
        Thread.ofVirtual().start(() -> write(to, out, pieces));
    }

    private void read(InputStream in, LinkedBlockingQueue<Piece> pieces, long notBefore, boolean upward) {
        byte[] buffer = new byte[1 << 14];
        while (true) {
            int n;
            try {
                n = in.read(buffer);
            } catch (IOException e) {
                n = -1;
            }
            long carried = System.nanoTime();
            if (upward && n > 0) {
                sent.addAndGet(n);
                carried = carriedAt(n);
            }
            long due = Math.max(carried, notBefore) + oneWay;
            pieces.add(new Piece(n < 0 ? new byte[0] : java.util.Arrays.copyOf(buffer, n), due));
            if (n < 0) {
                return;
            }
            try {
                TimeUnit.NANOSECONDS.sleep(carried - System.nanoTime());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void write(Socket to, OutputStream out, LinkedBlockingQueue<Piece> pieces) {
        try {
            while (true) {
                Piece piece = pieces.take();
                TimeUnit.NANOSECONDS.sleep(piece.due - System.nanoTime());
                if (piece.bytes.length == 0) {
                    to.shutdownOutput();
                    return;
                }
                out.write(piece.bytes);
            }
        } catch (IOException e) {
            // The other end is gone; the reader of this direction finds that out by itself.
            pieces.clear();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
