import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import hookqueue.testkit.World;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.Executors;

/** A binary cache that is written and read over HTTP on loopback, and keeps its files in a folder. */
final class HttpCache implements AutoCloseable {
    private final HttpServer server;
    private final World world;
    private final Path folder;

    HttpCache(World world) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        this.world = world;
        folder = world.dir.resolve("http");
        forget();
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_000);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::answer);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** It has nothing. */
    void forget() throws IOException {
        world.setAside(folder);
        Files.createDirectories(folder.resolve("nar"));
        Files.writeString(folder.resolve("nix-cache-info"), "StoreDir: " + world.store + "\n");
    }

    boolean has(String storePath) {
        return World.has(folder, storePath);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Path file = folder.resolve(exchange.getRequestURI().getPath().substring(1));
            if (exchange.getRequestMethod().equals("PUT")) {
                Path aside = Files.createTempFile(folder, ".put", "");
                Files.copy(exchange.getRequestBody(), aside, StandardCopyOption.REPLACE_EXISTING);
                Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
                exchange.sendResponseHeaders(201, -1);
            } else if (!Files.isRegularFile(file)) {
                exchange.sendResponseHeaders(404, -1);
            } else if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(200, -1);
            } else {
                exchange.sendResponseHeaders(200, Math.max(-1, Files.size(file)));
                Files.copy(file, exchange.getResponseBody());
            }
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
