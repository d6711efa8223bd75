package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import hookqueue.testkit.Proc;
import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The line protocol of the real worker, with socat and with an independent client. The queue is
 * paused.
 */
@Timeout(120)
class ProtocolIT {
    private World scratch;
    private WorkerProcess worker;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"));
        worker = WorkerProcess.listen(scratch);
        assertEquals(0, scratch.client("pause").status(), worker::log);
    }

    @AfterEach
    void end() throws Exception {
        worker.close();
        scratch.close();
    }

    /** A store path that differs from those of other numbers. */
    private String path(int number) {
        return scratch.store
                + "/"
                + String.format(Locale.ROOT, "%032d", number)
                + "-package-"
                + number;
    }

    private List<String> queued() throws Exception {
        return scratch.client("list").output().lines().map(line -> line.split(" ")[0]).toList();
    }

    private String socat(String options, String input) throws Exception {
        Path file = Files.writeString(scratch.dir.resolve("input"), input);
        return scratch.run(
                "sh",
                "-c",
                "socat -t 10 " + options + " - UNIX-CONNECT:" + scratch.socket + " < " + file);
    }

    @Test
    void socatIsAClient() throws Exception {
        assertEquals("ok queued 1\n", socat("", path(1) + "\n"));
        assertEquals("ok queued 2\n", socat("", path(2) + " " + path(3)));
        assertEquals(
                "",
                socat("-u", path(4) + "\n" + path(5) + "\n"),
                "with -u it does not even listen");
        World.eventually(Duration.ofSeconds(10), "all are queued", () -> count() == 5);
    }

    private int count() {
        try {
            return queued().size();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aClientThatNeverReadsLosesNoPath() throws Exception {
        var lines = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            lines.append(path(i)).append('\n');
        }
        try (var deaf = new OtherClient(scratch.socket)) {
            deaf.send(lines.toString());
            World.eventually(Duration.ofSeconds(60), "all are queued", () -> total() == 20_000);
        }
    }

    @Test
    void aClientThatDisconnectsAtOnceLosesNoPath() throws Exception {
        var lines = new StringBuilder();
        for (int i = 0; i < 3_000; i++) {
            lines.append(path(i)).append('\n');
        }
        try (var gone = new OtherClient(scratch.socket)) {
            gone.send(lines.toString());
        }
        World.eventually(Duration.ofSeconds(30), "all are queued", () -> total() == 3_000);
    }

    @Test
    void watchersGetTheirFormatUntilTheQueueIsEmpty() throws Exception {
        try (var text = new OtherClient(scratch.socket);
                var json = new OtherClient(scratch.socket);
                var bars = new OtherClient(scratch.socket)) {
            assertEquals(0, scratch.client(path(1), path(2)).status());
            text.send("watch\n");
            json.send("watch json\n");
            bars.send("watch bars 60x24\n");
            assertTrue(text.line().matches("paused since ..:.., 2 queued"));
            JsonObject first = JsonParser.parseString(json.line()).getAsJsonObject();
            assertEquals(2, first.get("queued").getAsInt());
            assertTrue(first.has("paused_since"));
            String lane = "exec:" + Tools.find("true");
            assertEquals(
                    "line\t"
                            + lane
                            + " [\tyellow\t"
                            + "-".repeat(38 - lane.length())
                            + "\t]   0% 0 of 2 paths",
                    bars.line());
            assertTrue(bars.line().startsWith("line\tpaused since "));
            assertTrue(bars.line().matches("draw\t[0-9]+,0,0"));
            assertTrue(
                    JsonParser.parseString(json.line()).isJsonObject(),
                    "again within a second or so, though nothing changes");
            assertEquals(0, scratch.client("drop", path(1), path(2)).status());
            assertEquals("ok", json.lastLine());
            assertEquals("ok nothing left to do", text.lastLine());
            assertEquals("ok nothing left to do", bars.lastLine());
        }
    }

    @Test
    void watchersThatNeverReadDelayNoOtherClient() throws Exception {
        assertEquals(0, scratch.client(path(1)).status());
        var deaf = new ArrayList<OtherClient>();
        try {
            for (int i = 0; i < 20; i++) {
                var client = new OtherClient(scratch.socket);
                deaf.add(client);
                // more than a socket buffer: the worker must give up the reply to one request
                client.send("metrics\n".repeat(200) + "watch bars\n");
            }
            for (int i = 2; i < 200; i++) {
                long began = System.nanoTime();
                assertEquals(0, scratch.client(path(i)).status());
                Duration took = Duration.ofNanos(System.nanoTime() - began);
                assertTrue(took.compareTo(Duration.ofSeconds(5)) < 0, () -> "it took " + took);
                i += 30;
            }
        } finally {
            for (OtherClient client : deaf) {
                client.close();
            }
        }
    }

    private long total() {
        try {
            String json = scratch.client("status", "json").output();
            int start = json.indexOf("\"queued\":") + "\"queued\":".length();
            return Long.parseLong(json.substring(start, json.indexOf(',', start)));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void linesMayComeTogetherOrInPieces() throws Exception {
        try (var client = new OtherClient(scratch.socket)) {
            var together = new StringBuilder();
            for (int i = 0; i < 200; i++) {
                together.append(path(i)).append('\n');
            }
            client.send(together.toString());
            for (int i = 0; i < 200; i++) {
                assertEquals("ok queued 1", client.line());
            }
            String line = path(200) + "\r\n";
            client.send(line.substring(0, 7)).send(line.substring(7, 60)).send(line.substring(60));
            assertEquals("ok queued 1", client.line());
            client.send("\n");
            assertEquals("ok queued 0", client.line(), "an empty line is a hook without outputs");
            client.send(path(201));
            Thread.sleep(300); // half-closes late, and its last line has no end
            client.halfClose();
            assertEquals("ok queued 1", client.line());
            assertNull(client.line(), "and then the worker closes");
        }
        assertEquals(202, count());
    }

    @Test
    void everyKindOfBadLineGetsAnErrorAndTheConnectionStaysOpen() throws Exception {
        try (var client = new OtherClient(scratch.socket)) {
            String hash = "0".repeat(31);
            client.send("/etc/passwd\n");
            assertEquals(
                    "error refused 1, queued 0: not a store path (outside "
                            + scratch.store
                            + "): /etc/passwd",
                    client.line());
            client.send(scratch.store + "/" + hash + "e-bad\n");
            assertTrue(
                    client.line()
                            .startsWith(
                                    "error refused 1, queued 0: not a store path (the hash has a character outside"));
            client.send(path(1) + " " + scratch.store + "/../../etc\n");
            assertTrue(
                    client.line().startsWith("error refused 1, queued 1: "),
                    "the good one stays queued");
            client.send("--help\n");
            assertEquals(
                    "error neither a store path nor a word of this protocol (see help): --help",
                    client.line());
            client.send(new byte[] {'/', 0, 0, (byte) 0xff, 27, '[', '3', '1', 'm', '\n'});
            String answer = client.line();
            assertTrue(answer.startsWith("error refused 1"), answer);
            assertTrue(
                    answer.chars().allMatch(c -> c >= ' '),
                    "nothing a terminal would obey: " + answer);
            client.send("x".repeat(2 << 20) + "\n");
            assertEquals(
                    "error the line is longer than 1 MiB; nothing of it was queued", client.line());
            client.send("wait timeout=soon\n");
            assertTrue(client.line().startsWith("error not a duration"));
            client.send("explain\n");
            assertEquals("error explain takes one path: explain PATH", client.line());
            client.send(path(2) + "\n");
            assertEquals("ok queued 1", client.line());
        }
        assertEquals(2, count());
    }

    @Test
    void theSixtyFifthConnectionGetsAnErrorAndTheOthersContinue() throws Exception {
        var clients = new ArrayList<OtherClient>();
        try {
            for (int i = 0; i < 64; i++) {
                clients.add(new OtherClient(scratch.socket).send("version\n"));
                assertTrue(clients.getLast().line().startsWith("ok nix-post-build-hook-queue"));
            }
            try (var late = new OtherClient(scratch.socket)) {
                assertEquals("error more than 64 connections; try again later", late.line());
                assertNull(late.line());
            }
            clients.getFirst().send(path(1) + "\n");
            assertEquals("ok queued 1", clients.getFirst().line());
        } finally {
            for (OtherClient client : clients) {
                client.close();
            }
        }
        World.eventually(Duration.ofSeconds(10), "there is room again", () -> count() == 1);
    }

    @Test
    void onlyRootAndTheWorkersUserMayChangeQueuedPaths() throws Exception {
        assertEquals("ok queued 1\n", socat("", path(1) + "\n"));
        scratch.run("chmod", "-R", "a+rX", scratch.dir.toString());
        scratch.run("chmod", "a+w", scratch.socket.toString());
        for (String word : List.of("pause", "resume", "retry", "drop " + path(1))) {
            World.Result answer =
                    scratch.attempt(
                            "setpriv",
                            "--reuid=65534",
                            "--regid=65534",
                            "--clear-groups",
                            "sh",
                            "-c",
                            "echo '" + word + "' | socat -t 10 - UNIX-CONNECT:" + scratch.socket);
            assertTrue(
                    answer.output()
                            .contains("is for root and the worker's own user, not for uid 65534"),
                    answer.toString());
        }
        World.Result looked =
                scratch.attempt(
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "sh",
                        "-c",
                        "echo status | socat -t 10 - UNIX-CONNECT:" + scratch.socket);
        assertTrue(looked.output().contains("paused since"), looked.toString());
        assertEquals(1, count());
    }

    @Test
    void aHundredThousandPathsComeThroughOneConnectionInLittleMemory() throws Exception {
        var lines = new StringBuilder();
        for (int i = 0; i < 100_000; i++) {
            lines.append(path(i)).append('\n');
        }
        Path file = Files.writeString(scratch.dir.resolve("input"), lines);
        long began = System.nanoTime();
        String replies =
                scratch.run(
                        "sh",
                        "-c",
                        "socat -t 100 - UNIX-CONNECT:"
                                + scratch.socket
                                + " < "
                                + file
                                + " | sort | uniq -c");
        double seconds = (System.nanoTime() - began) / 1e9;
        assertEquals("100000 ok queued 1", replies.strip());
        long kilobytes = Proc.status(worker.pid(), "VmHWM");
        System.out.printf(
                Locale.ROOT,
                "100000 paths, durable and rooted: %.0f a second, peak memory %d MB%n",
                100_000 / seconds,
                kilobytes / 1_000);
        assertTrue(kilobytes < 128_000, () -> kilobytes + " kB");
    }
}
