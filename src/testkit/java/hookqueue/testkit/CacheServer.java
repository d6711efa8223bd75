package hookqueue.testkit;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A binary cache over HTTP/1.1 on the loopback interface with the faults of real ones. It keeps
 * what clients PUT as files in a folder, which is a {@code file://} cache too. It can lose paths,
 * refuse requests, have a full disk, read slowly or not at all, and answer late. Faults can change
 * while it runs. Each connection has a virtual thread.
 */
public final class CacheServer implements AutoCloseable {
    /** Small, so that a client soon notices that the server does not read. */
    private static final int RECEIVE_BUFFER = 1 << 16;

    /**
     * One request as it came in.
     *
     * @param status the answer's status
     * @param received bytes of its body that the server read
     */
    public record Request(String method, String path, int status, long received) {}

    private final Path folder;
    private final String storeDir;
    private final int port;
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final List<Refusal> refusals = new CopyOnWriteArrayList<>();
    private ServerSocket listener;
    private Thread accepting;
    private volatile Duration delay = Duration.ZERO;
    private volatile long bytesPerSecond = Long.MAX_VALUE;
    private volatile CountDownLatch unread = new CountDownLatch(0);
    private volatile long largestBody = Long.MAX_VALUE;
    private volatile int fullStatus = 507;

    /**
     * Starts an empty cache, or one that has the files of the folder.
     *
     * @param storeDir the store directory of the paths in this cache
     */
    public CacheServer(Path folder, String storeDir) throws IOException {
        this.folder = folder;
        this.storeDir = storeDir;
        makeFolder();
        listener = listen(0);
        port = listener.getLocalPort();
    }

    /** Makes the folder, also after somebody has moved it away. */
    public void makeFolder() throws IOException {
        Files.createDirectories(folder.resolve("nar"));
        Files.writeString(folder.resolve("nix-cache-info"), "StoreDir: " + storeDir + "\n");
    }

    private ServerSocket listen(int where) throws IOException {
        var socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.setReceiveBufferSize(RECEIVE_BUFFER);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), where), 1024);
        accepting = Thread.ofVirtual().start(() -> accept(socket));
        return socket;
    }

    public int port() {
        return port;
    }

    /** For {@code nix copy --to}. Uncompressed, because xz would dominate every measurement. */
    public String url() {
        return "http://127.0.0.1:" + port + "?compression=none";
    }

    /** Answers each request this much later; the first of a connection twice as late. */
    public void delay(Duration roundTrip) {
        delay = roundTrip;
    }

    /** Reads the body of each request at this rate. */
    public void bytesPerSecond(long rate) {
        if (rate < 1) {
            throw new IllegalArgumentException("rate " + rate + ": at least 1 byte/s");
        }
        bytesPerSecond = rate;
    }

    /** From now on accepts connections and reads headers, but no bodies, until {@link #read}. */
    public void neverRead() {
        unread = new CountDownLatch(1);
    }

    /** Reads bodies again, also of the requests that wait. */
    public void read() {
        unread.countDown();
    }

    /** Has no room for a body of more than this many bytes, and answers with {@code status}. */
    public void fullAbove(long bytes, int status) {
        fullStatus = status;
        largestBody = bytes;
    }

    /**
     * Answers {@code status} to the next requests that match, after reading their bodies.
     *
     * @param method regular expression for the whole method
     * @param path regular expression for a part of the path
     * @param times how often; -1: always, until {@link #acceptAll}
     */
    public void refuse(String method, String path, int status, int times) {
        refusals.add(new Refusal(method, Pattern.compile(path), status, times));
    }

    /** Ends all refusals, and frees the disk. */
    public void acceptAll() {
        refusals.clear();
        largestBody = Long.MAX_VALUE;
    }

    /** Loses a store path: its narinfo and the NAR that this names. */
    public void lose(String storePath) throws IOException {
        Path narinfo = narinfo(storePath);
        Files.delete(nar(narinfo));
        Files.delete(narinfo);
    }

    /** Loses the NAR of a store path, but keeps its narinfo. */
    public void loseNar(String storePath) throws IOException {
        Files.delete(nar(narinfo(storePath)));
    }

    /** Whether a store path is here with its NAR. */
    public boolean has(String storePath) throws IOException {
        Path narinfo = narinfo(storePath);
        return Files.exists(narinfo) && Files.exists(nar(narinfo));
    }

    /** The text of the narinfo of a store path. */
    public String narinfoOf(String storePath) throws IOException {
        return Files.readString(narinfo(storePath));
    }

    /** All requests so far that were answered, in the order of the answers. */
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    /** How many answered requests match; parameters as in {@link #refuse}. */
    public long count(String method, String path) {
        Pattern pattern = Pattern.compile(path);
        return requests.stream()
                .filter(request -> request.method.matches(method))
                .filter(request -> pattern.matcher(request.path).find())
                .count();
    }

    public void forgetRequests() {
        requests.clear();
    }

    /** How many connections are open. */
    public int connections() {
        return connections.size();
    }

    /** Refuses connections and ends those that are open. */
    public void stop() throws IOException {
        listener.close();
        try {
            accepting.join(); // otherwise it could serve a connection that it accepts meanwhile
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Socket connection : connections) {
            connection.close();
        }
    }

    /** Listens again on the same port. */
    public void start() throws IOException {
        listener = listen(port);
    }

    @Override
    public void close() throws IOException {
        stop();
        read();
    }

    private Path narinfo(String storePath) {
        String base = storePath.substring(storePath.lastIndexOf('/') + 1);
        return folder.resolve(base.substring(0, base.indexOf('-')) + ".narinfo");
    }

    private Path nar(Path narinfo) throws IOException {
        Matcher url = Pattern.compile("(?m)^URL: (.+)$").matcher(Files.readString(narinfo));
        if (!url.find()) {
            throw new IOException(narinfo + " has no line URL:");
        }
        return folder.resolve(url.group(1));
    }

    private void accept(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                connections.add(connection);
                Thread.ofVirtual().start(() -> serve(connection));
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            connection.setTcpNoDelay(true);
            Thread.sleep(delay);
            var in = new BufferedInputStream(connection.getInputStream());
            OutputStream out = connection.getOutputStream();
            for (String line = Http.line(in); !line.isEmpty(); line = Http.line(in)) {
                answer(line, in, out);
            }
        } catch (IOException e) {
            // The client, or stop(), ended the connection: its thread has nothing left to do.
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            connections.remove(connection);
        }
    }

    private void answer(String requestLine, InputStream in, OutputStream out)
            throws IOException, InterruptedException {
        String[] words = requestLine.split(" ");
        if (words.length != 3) {
            throw new IOException("not a request line: " + requestLine);
        }
        String method = words[0];
        String path = URI.create(words[1]).getPath();
        long length = 0;
        for (String line = Http.line(in); !line.isEmpty(); line = Http.line(in)) {
            String header = line.toLowerCase(Locale.ROOT);
            if (header.startsWith("content-length:")) {
                length = Long.parseLong(header.substring("content-length:".length()).strip());
            } else if (header.startsWith("expect: 100-continue")) {
                unread.await();
                out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            } else if (header.startsWith("transfer-encoding:")) {
                throw new IOException("bodies without a length are not supported: " + line);
            }
        }
        Path body = Files.createTempFile(folder, ".put-", "");
        try {
            receive(in, length, body);
            Thread.sleep(delay);
            int status = status(method, path, length);
            Path file = folder.resolve(path.substring(1)).normalize();
            if (status == 200 && method.equals("PUT")) {
                Files.createDirectories(file.getParent());
                Files.move(body, file, StandardCopyOption.ATOMIC_MOVE);
            }
            requests.add(new Request(method, path, status, length));
            Http.respond(out, status, method, file);
        } finally {
            Files.deleteIfExists(body);
        }
    }

    private void receive(InputStream in, long length, Path to)
            throws IOException, InterruptedException {
        if (length > 0) {
            unread.await();
        }
        try (OutputStream out = Files.newOutputStream(to)) {
            byte[] buffer = new byte[1 << 14];
            long began = System.nanoTime();
            long received = 0;
            while (received < length) {
                int n = in.read(buffer, 0, (int) Math.min(buffer.length, length - received));
                if (n < 0) {
                    throw new EOFException("after " + received + " of " + length + " bytes");
                }
                out.write(buffer, 0, n);
                received += n;
                double due = received * 1e9 / bytesPerSecond;
                Thread.sleep(Duration.ofNanos((long) due - (System.nanoTime() - began)));
                unread.await();
            }
        }
    }

    private int status(String method, String path, long length) {
        for (Refusal refusal : refusals) {
            if (refusal.takes(method, path)) {
                return refusal.status();
            }
        }
        Path file = folder.resolve(path.substring(1)).normalize();
        if (!file.startsWith(folder)) {
            return 400;
        }
        return switch (method) {
            case "PUT" -> length > largestBody ? fullStatus : 200;
            case "GET", "HEAD" -> Files.isRegularFile(file) ? 200 : 404;
            default -> 405;
        };
    }
}
