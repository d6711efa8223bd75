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
 * Delays the traffic to a port of this machine, in both directions; connecting takes a round trip. The bandwidth is
 * unlimited or fixed. It replaces `tc qdisc … netem`, which needs root and a kernel module.
 */
final class Delay implements AutoCloseable {
    /** Bytes, and when they are due at the other end; no bytes mean the end of the stream. */
    private record Piece(byte[] bytes, long due) {}

    /** Four Nix processes open 25 connections each. If the backlog is full, a client retries after a second. */
    private static final int CONNECTIONS = 1_000;

    private final ServerSocket listener;
    private final int to;
    private final long oneWay;
    private final long bytesPerSecond;
    private final AtomicLong sent = new AtomicLong();

    /** When the wire is idle again, by System.nanoTime; guarded by this. */
    private long freeAt = System.nanoTime();

    Delay(int to, int milliseconds) throws IOException {
        this(to, milliseconds, Long.MAX_VALUE);
    }

    /** @param bytesPerSecond the bandwidth towards the port, shared by all connections */
    Delay(int to, int milliseconds, long bytesPerSecond) throws IOException {
        this.to = to;
        this.bytesPerSecond = bytesPerSecond;
        oneWay = TimeUnit.MILLISECONDS.toNanos(milliseconds);
        listener = new ServerSocket();
        listener.setReceiveBufferSize(1 << 16); // otherwise the kernel would buffer more than the wire carries
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), CONNECTIONS);
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Bytes that were sent towards the port. */
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
                // For the client the connection exists at once. So its first bytes wait for the handshake's round trip,
                // and the server's answer waits too.
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
            // The other end has closed the connection. The reader of this direction notices that, too.
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
