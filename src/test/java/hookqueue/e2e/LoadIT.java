package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.Proc;
import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;

/**
 * Many clients, also hostile ones, against the real worker with the installed heap size: it serves
 * other clients throughout, memory, threads and descriptors stay within their limits, and the
 * worker exits by itself afterwards.
 *
 * <p>With {@code -Dhookqueue.load=full} it uses the numbers of docs/reliability.md; otherwise
 * smaller ones, for some seconds.
 */
@Timeout(900)
class LoadIT {
    private static final boolean FULL = "full".equals(System.getProperty("hookqueue.load"));
    private static final int MOST_CONNECTIONS = 64;

    /** 48 MB of heap; the rest is the JVM, its code, and 64 stacks. */
    private static final long MOST_KILOBYTES = 160_000;

    /** In addition to one thread for each connection. */
    private static final long MOST_OTHER_THREADS = 30;

    /** In addition to two descriptors for each connection; one of them watches for a disconnect. */
    private static final long MOST_OTHER_DESCRIPTORS = 70;

    /**
     * Records how many instances run in parallel, and prints many store paths of 211 characters.
     */
    private static final String DEPENDANTS =
            """
            #!/bin/sh
            case $* in *--referrers-closure*) ;; *) exec nix-store "$@" ;; esac
            dir=${0%%/*}
            mkdir "$dir/run-$$"
            set -- "$dir"/run-*
            echo "$#" >>"$dir/at-once"
            awk 'BEGIN {
                name = sprintf("%%0172d", 0)
                for (i = 0; i < %d; i++) printf "'"${0%%/*}"'/store/%%032d-%%s\\n", i, name
            }'
            rmdir "$dir/run-$$"
            """;

    private final List<OtherClient> clients = new ArrayList<>();
    private World scratch;
    private WorkerProcess worker;
    private Thread sampler;
    private volatile boolean sampling = true;
    private volatile long mostThreads;
    private volatile long mostDescriptors;
    private long began;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        // Queued paths are not in the store. They fail at once, so the worker can exit.
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + Tools.find("true"));
        scratch.set("NPBHQ_IDLE_TIMEOUT", "500ms");
        scratch.set("NPBHQ_EXCLUDE", "-needed-by-all$");
        scratch.set("NPBHQ_NIX", scratch.script("nix", "#!/bin/sh\nexec nix \"$@\"\n"));
        scratch.script("nix-store", DEPENDANTS.formatted(FULL ? 2_000_000 : 200_000));
        worker = WorkerProcess.listen(scratch);
        assertEquals("ok queued 1", ask(path(0)));
        sampler = new Thread(this::sample, "sampler");
        sampler.start();
        began = System.nanoTime();
    }

    /** The end of each test: all clients disconnect, and then the worker must exit. */
    @AfterEach
    void end(TestInfo test) throws Exception {
        double seconds = (System.nanoTime() - began) / 1e9;
        try {
            long memory = Proc.status(worker.pid(), "VmHWM");
            for (OtherClient client : clients) {
                client.close();
            }
            sampling = false;
            sampler.join();
            System.out.printf(
                    Locale.ROOT,
                    "%s: %.0f s, at most %d MB, %d threads, %d descriptors%n",
                    test.getDisplayName(),
                    seconds,
                    memory / 1_000,
                    mostThreads,
                    mostDescriptors);
            assertTrue(memory < MOST_KILOBYTES, () -> "peak memory " + memory + " kB");
            assertTrue(
                    mostThreads <= MOST_CONNECTIONS + MOST_OTHER_THREADS,
                    () -> mostThreads + " threads");
            assertTrue(
                    mostDescriptors <= 2 * MOST_CONNECTIONS + MOST_OTHER_DESCRIPTORS,
                    () -> mostDescriptors + " descriptors");
            assertEquals(0, worker.exit(Duration.ofSeconds(60)), worker::log);
        } finally {
            sampling = false;
            worker.close();
            scratch.close();
        }
    }

    private void sample() {
        while (sampling) {
            try {
                mostDescriptors = Math.max(mostDescriptors, Proc.descriptors(worker.pid()));
                mostThreads = Math.max(mostThreads, Proc.status(worker.pid(), "Threads"));
                Thread.sleep(20);
            } catch (IOException e) {
                return; // the worker has exited, which the test notices
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private String path(int number) {
        return scratch.store + "/" + String.format(Locale.ROOT, "%032d-p", number);
    }

    private OtherClient client() throws IOException {
        var client = new OtherClient(scratch.socket);
        clients.add(client);
        return client;
    }

    /** One client, one line; null when it got no answer. */
    private String ask(String line) throws IOException {
        try (var client = new OtherClient(scratch.socket)) {
            return client.send(line + "\n").line();
        }
    }

    /** Meanwhile a hook is acknowledged: without output, and within its limit of 5 s. */
    private void assertServesHooks(int number) throws IOException {
        scratch.set("NPBHQ_HOOK_TIMEOUT", "5s");
        World.Result hook = scratch.hook(path(number));
        assertEquals("", hook.errors(), worker::log);
    }

    @Test
    void clientsAreServedUntilAllConnectionsAreTaken() throws Exception {
        for (int i = 0; i < MOST_CONNECTIONS - 1; i++) {
            assertNotNull(client().send("version\n").line());
        }
        assertServesHooks(1);
        assertNotNull(client().send("version\n").line());
        for (int i = 0; i < 20; i++) {
            try (var refused = new OtherClient(scratch.socket)) { // at once, before it could send
                assertEquals("error more than 64 connections; try again later", refused.line());
            }
        }
        scratch.set("NPBHQ_HOOK_TIMEOUT", "5s");
        assertTrue(
                scratch.hook(path(2)).errors().contains("left in the spool"),
                "a hook that finds no place spools");
        clients.removeLast().close();
        World.eventually(
                Duration.ofSeconds(10),
                "a place is free again, and the spool is taken in",
                () -> known(2));
    }

    @Test
    void hooksAreServedBesideSixtyFourWaiters() throws Exception {
        OtherClient first = client().send("pause\n" + path(1) + "\n");
        assertTrue(first.line().startsWith("ok paused"));
        assertEquals("ok queued 1", first.line());
        for (int i = 1; i < MOST_CONNECTIONS; i++) {
            client();
        }
        for (OtherClient each : clients) {
            each.send("wait\n").halfClose();
        }
        var told = new ConcurrentLinkedQueue<String>();
        for (OtherClient each : clients) {
            var reader =
                    new Thread(() -> {
                        try {
                            told.add(each.lastLine());
                        } catch (IOException e) {
                            told.add(e.toString());
                        }
                    });
            reader.setDaemon(true);
            reader.start();
        }
        World.eventually(
                Duration.ofSeconds(20), "those beyond 48 are told", () -> told.size() == 16);
        assertServesHooks(2);
        assertEquals(
                Set.of("error 48 clients wait, watch or explain already; try again later"),
                Set.copyOf(told));
        assertEquals("ok resumed", ask("resume"));
        World.eventually(Duration.ofSeconds(20), "the others", () -> told.size() == 64);
    }

    private boolean known(int number) {
        try {
            return ask("explain " + path(number)).contains("failed");
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aThousandShortLivedClients() throws Exception {
        int many = FULL ? 20_000 : 1_000;
        for (int i = 0; i < many; i++) {
            try (var client = new OtherClient(scratch.socket)) {
                switch (i % 4) {
                    case 0 -> assertEquals("ok queued 1", client.send(path(i) + "\n").line());
                    case 1 -> client.send(path(i) + "\n");
                    case 2 -> client.send("/nix/st");
                    default -> {} // comes and goes
                }
            }
        }
        assertServesHooks(many);
        World.eventually(
                Duration.ofSeconds(20),
                "what was sent by those who did not wait is not lost",
                () -> known(1) && known(many - 3));
    }

    @Test
    void everyHookOfABurstIsAcknowledgedOrSpooled() throws Exception {
        int many = FULL ? 10_000 : 150;
        scratch.set("NPBHQ_HOOK_TIMEOUT", "5s");
        String said =
                scratch.run(
                        "sh",
                        "-c",
                        "seq -f '"
                                + scratch.store
                                + "/%032.0f-p' 1 "
                                + many
                                + " | xargs -P 16 -I{} env OUT_PATHS={} "
                                + scratch.program.hook()
                                + " 2>&1");
        long spooled = said.lines().filter(line -> line.contains("left in the spool: ")).count();
        assertEquals(spooled, said.lines().count(), said);
        System.out.printf("%d hooks, of which %d spooled%n", many, spooled);
        World.eventually(Duration.ofSeconds(60), "all have come in", () -> failed() == many + 1);
    }

    private long failed() {
        try {
            return scratch.client("failed").output().lines().filter(l -> l.contains("/0")).count();
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void sixtyClientsThatSendSlowly() throws Exception {
        int rounds = FULL ? 60 : 3;
        for (int i = 0; i < 60; i++) {
            client();
        }
        for (int round = 0; round < rounds; round++) {
            for (OtherClient slow : clients) {
                slow.send("x");
            }
            assertServesHooks(round + 1);
            Thread.sleep(FULL ? 1_000 : 100);
        }
    }

    @Test
    void clientsThatNeverEndTheirLine() throws Exception {
        String piece = "x".repeat(8_000);
        for (int i = 0; i < 40; i++) {
            client();
        }
        // Each sends until the worker stops reading: only two long lines at a time have room.
        var writers = new ArrayList<Thread>();
        for (OtherClient client : clients) {
            var writer =
                    new Thread(() -> {
                        try {
                            for (int sent = 0; sent < 2 << 20; sent += piece.length()) {
                                client.send(piece);
                            }
                            client.send("\n");
                        } catch (IOException e) {
                            return; // closed in the middle
                        }
                    });
            writer.setDaemon(true);
            writer.start();
            writers.add(writer);
        }
        for (int i = 1; i <= (FULL ? 100 : 5); i++) {
            assertServesHooks(i);
        }
        assertEquals(
                "error more words than a line of paths can have; nothing of it was queued",
                ask("x ".repeat(30_000)));
        writers.getFirst().join(20_000);
    }

    @Test
    void explainOfAPathThatEveryPathDependsOn() throws Exception {
        String needed = Files.createFile(Path.of(path(1) + "-needed-by-all")).toString();
        int many = FULL ? 20 : 6;
        for (int i = 0; i < many; i++) {
            client().send("explain " + needed + "\n");
        }
        for (OtherClient each : clients) {
            String last = each.line();
            String before = "";
            while (!last.equals("ok")) {
                before = last;
                last = each.line();
            }
            assertEquals(
                    "not checked: "
                            + (FULL ? 1_990_000 : 190_000)
                            + " more paths that depend on it",
                    before);
        }
        assertServesHooks(2);
        List<String> atOnce = Files.readAllLines(scratch.dir.resolve("at-once"));
        assertEquals(many, atOnce.size());
        assertTrue(atOnce.stream().allMatch(n -> Integer.parseInt(n) <= 2), atOnce::toString);
    }

    @Test
    void clientsThatWatchAndNeverRead() throws Exception {
        for (int i = 0; i < 40; i++) {
            client().send("pause\n".repeat(i == 0 ? 1 : 0) + path(1) + "\nwatch\n");
        }
        for (int i = 2; i < (FULL ? 5_000 : 300); i++) {
            assertEquals("ok queued 1", ask(path(i)));
        }
        assertServesHooks(2);
        assertEquals("ok resumed", ask("resume"));
    }

    @Test
    void aMillionRequestsWhoseRepliesNobodyReads() throws Exception {
        int many = FULL ? 1_000_000 : 20_000;
        OtherClient deaf = client();
        var writer =
                new Thread(() -> {
                    String requests = "version\nstatus\nhelp\n".repeat(100);
                    try {
                        for (int sent = 0; sent < many; sent += 300) {
                            deaf.send(requests);
                        }
                        deaf.send(path(9) + "\n");
                    } catch (IOException e) {
                        return; // the last path will be missed
                    }
                });
        writer.setDaemon(true);
        writer.start();
        for (int i = 1; i < 4; i++) {
            assertServesHooks(i);
        }
        World.eventually(
                Duration.ofMinutes(FULL ? 10 : 1), "the last of them was answered", () -> known(9));
    }
}
