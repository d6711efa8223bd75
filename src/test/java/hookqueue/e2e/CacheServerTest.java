package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.CacheServer;
import hookqueue.testkit.World;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheServerTest {
    private static final String HELLO = "/nix/store/00000000000000000000000000000000-hello";

    @TempDir Path folder;
    private CacheServer server;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @BeforeEach
    void start() throws IOException {
        server = new CacheServer(folder, "/nix/store");
    }

    @AfterEach
    void stop() throws IOException {
        client.shutdownNow();
        server.close();
    }

    @Test
    void keepsWhatWasPutAndCountsRequests() throws Exception {
        putHello();
        assertTrue(server.has(HELLO));
        assertEquals("the nar", get("/nar/1.nar").body());
        assertEquals(404, get("/nar/2.nar").statusCode());
        assertEquals(1, server.count("PUT", "\\.narinfo$"));
        assertEquals(2, server.count("GET", "^/nar/"));
        assertEquals(3, server.count("GET|PUT", "^/nar/"));
    }

    @Test
    void losesPath() throws Exception {
        putHello();
        server.lose(HELLO);
        assertFalse(server.has(HELLO));
        assertEquals(404, get("/nar/1.nar").statusCode());
        assertEquals(404, get("/00000000000000000000000000000000.narinfo").statusCode());
    }

    @Test
    void losesNarAlone() throws Exception {
        putHello();
        server.loseNar(HELLO);
        assertFalse(server.has(HELLO));
        assertEquals(200, get("/00000000000000000000000000000000.narinfo").statusCode());
    }

    @Test
    void refusesAsOftenAsToldAndOnlyMatchingRequests() throws Exception {
        server.refuse("PUT", "^/nar/", 503, 2);
        assertEquals(200, put("/a.narinfo", "x"));
        assertEquals(503, put("/nar/1.nar", "x"));
        assertEquals(503, put("/nar/1.nar", "x"));
        assertEquals(200, put("/nar/1.nar", "x"));
        server.refuse("PUT", "", 403, -1);
        assertEquals(403, put("/nar/1.nar", "x"));
        server.acceptAll();
        assertEquals(200, put("/nar/1.nar", "x"));
    }

    @Test
    void fullDiskTakesSmallBodiesOnly() throws Exception {
        server.fullAbove(4, 507);
        assertEquals(507, put("/nar/1.nar", "12345"));
        assertEquals(404, get("/nar/1.nar").statusCode());
        assertEquals(200, put("/nar/1.nar", "1234"));
    }

    @Test
    void readsAtTheRateGiven() throws Exception {
        server.bytesPerSecond(1_000_000);
        long began = System.nanoTime();
        assertEquals(200, put("/nar/1.nar", "x".repeat(500_000)));
        long took = System.nanoTime() - began;
        assertTrue(took >= Duration.ofMillis(450).toNanos(), "took " + took + " ns");
    }

    @Test
    void answersLate() throws Exception {
        server.delay(Duration.ofMillis(200));
        long began = System.nanoTime();
        assertEquals(404, get("/nar/1.nar").statusCode());
        long took = System.nanoTime() - began;
        assertTrue(took >= Duration.ofMillis(400).toNanos(), "took " + took + " ns");
    }

    @Test
    void readsNothingUntilTold() throws Exception {
        server.neverRead();
        var answer = client.sendAsync(putRequest("/nar/1.nar", "x"), BodyHandlers.discarding());
        World.eventually(Duration.ofSeconds(5), "a connection", () -> server.connections() == 1);
        assertThrows(
                java.util.concurrent.TimeoutException.class,
                () -> answer.get(300, java.util.concurrent.TimeUnit.MILLISECONDS));
        server.read();
        assertEquals(200, answer.get().statusCode());
    }

    @Test
    void refusesConnectionsWhileStoppedAndKeepsItsPort() throws Exception {
        putHello();
        server.stop();
        assertThrows(ConnectException.class, () -> get("/nar/1.nar"));
        server.start();
        assertEquals("the nar", get("/nar/1.nar").body());
    }

    @Test
    void refusesPathsOutsideOfItsFolder() throws Exception {
        assertEquals(400, put("/../outside", "x"));
    }

    private void putHello() throws Exception {
        assertEquals(200, put("/nar/1.nar", "the nar"));
        String narinfo = "StorePath: " + HELLO + "\nURL: nar/1.nar\n";
        assertEquals(200, put("/00000000000000000000000000000000.narinfo", narinfo));
    }

    private int put(String path, String body) throws Exception {
        return client.send(putRequest(path, body), BodyHandlers.discarding()).statusCode();
    }

    private HttpRequest putRequest(String path, String body) {
        return HttpRequest.newBuilder(at(path)).PUT(BodyPublishers.ofString(body)).build();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(HttpRequest.newBuilder(at(path)).build(), BodyHandlers.ofString());
    }

    private URI at(String path) {
        return URI.create("http://127.0.0.1:" + server.port() + path);
    }
}
