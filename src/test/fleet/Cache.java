import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * A binary cache over HTTP that counts, for a fleet to push to: GET, HEAD and PUT of files in one folder. While the file
 * {@code down} stands in the folder of the counts, it answers everything with 503. An upload of an archive takes 0.2 s;
 * beyond LIMIT of them at once it answers 429.
 *
 * <p>java Cache.java FOLDER COUNTS LIMIT: writes COUNTS/port when it listens, and COUNTS/counts when its standard input
 * ends.
 */
final class Cache {
    private static final long UPLOAD_MILLIS = 200;

    private final Path folder;
    private final Path down;
    private final int limit;
    private final ConcurrentMap<String, LongAdder> counts = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Boolean> stored = new ConcurrentHashMap<>();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final AtomicInteger uploads = new AtomicInteger();
    private final AtomicInteger mostUploads = new AtomicInteger();

    private Cache(Path folder, Path down, int limit) {
        this.folder = folder;
        this.down = down;
        this.limit = limit;
    }

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        Path told = Path.of(args[1]);
        var cache = new Cache(folder, told.resolve("down"), Integer.parseInt(args[2]));
        Files.createDirectories(folder.resolve("nar"));
        Files.writeString(folder.resolve("nix-cache-info"), "StoreDir: /nix/store\n");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
        server.createContext("/", cache::serve);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            server.setExecutor(threads);
            server.start();
            Path port = told.resolve("port.new");
            Files.writeString(port, Integer.toString(server.getAddress().getPort()));
            Files.move(port, told.resolve("port"));
            System.in.readAllBytes();
            server.stop(0);
        }
        Files.writeString(told.resolve("counts"), cache.counted());
    }

    private void serve(HttpExchange exchange) throws IOException {
        int now = running.incrementAndGet();
        most.accumulateAndGet(now, Math::max);
        try (exchange) {
            answer(exchange);
        } finally {
            running.decrementAndGet();
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String name = exchange.getRequestURI().getPath();
        String method = exchange.getRequestMethod();
        Path file = folder.resolve(name.substring(1)).normalize();
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (Files.exists(down)) {
            count("refused");
            exchange.sendResponseHeaders(503, -1);
        } else if (!file.startsWith(folder)) {
            exchange.sendResponseHeaders(400, -1);
        } else if (method.equals("PUT")) {
            exchange.sendResponseHeaders(upload(name, file, body) ? 200 : 429, -1);
        } else if (!Files.isRegularFile(file)) {
            count("asked in vain");
            exchange.sendResponseHeaders(404, -1);
        } else {
            count("read");
            byte[] content = Files.readAllBytes(file);
            boolean whole = method.equals("GET") && content.length > 0;
            exchange.sendResponseHeaders(200, whole ? content.length : -1);
            if (whole) {
                exchange.getResponseBody().write(content);
            }
        }
    }

    /** Returns false beyond the limit. */
    private boolean upload(String name, Path file, byte[] body) throws IOException {
        if (!name.startsWith("/nar/")) {
            store(name, file, body);
            return true;
        }
        int now = uploads.incrementAndGet();
        mostUploads.accumulateAndGet(now, Math::max);
        try {
            if (now > limit) {
                count("too many");
                return false;
            }
            Thread.sleep(UPLOAD_MILLIS);
            store(name, file, body);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            uploads.decrementAndGet();
        }
    }

    private void store(String name, Path file, byte[] body) throws IOException {
        String kind = name.endsWith(".narinfo") ? "narinfo" : name.startsWith("/nar/") ? "nar" : "other";
        count(kind + " put");
        add(kind + " bytes put", body.length);
        if (stored.putIfAbsent(name, true) != null) {
            count(kind + " put again");
            add(kind + " bytes put again", body.length);
        }
        Path aside = Files.createTempFile(folder, ".put-", "");
        Files.write(aside, body);
        Files.move(aside, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    private void count(String what) {
        add(what, 1);
    }

    private void add(String what, long amount) {
        counts.computeIfAbsent(what, each -> new LongAdder()).add(amount);
    }

    private String counted() {
        Map<String, LongAdder> sorted = new TreeMap<>(counts);
        var text = new StringBuilder("most requests at once=" + most + "\nmost uploads at once=" + mostUploads + "\n");
        sorted.forEach((what, number) -> text.append(what).append('=').append(number.sum()).append('\n'));
        return text.toString();
    }
}
