package hookqueue.systemd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import java.io.ByteArrayOutputStream;
import java.net.DatagramPacket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.slf4j.helpers.BasicMDCAdapter;

class FieldAppenderTest {
    private static final String HASH = "7hx47qyrz4065viqzzhdqi5jixgjys0z";
    private static final StorePath HELLO = new StorePath(HASH + "-hello");
    private static final StorePath WORLD = new StorePath(HASH + "-world");
    private static final String PLAIN =
            "SYSLOG_FACILITY=3|SYSLOG_IDENTIFIER=nix-post-build-hook-queue";

    @TempDir Path folder;
    private final BasicMDCAdapter mdc = new BasicMDCAdapter();
    private final ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    private AFUNIXDatagramSocket journal;
    private Logger log;

    @BeforeEach
    void begin() throws Exception {
        listen();
        log = logger(Map.of("JOURNAL_STREAM", stream()));
    }

    @AfterEach
    void end() throws Exception {
        journal.close();
    }

    private void listen() throws Exception {
        journal = AFUNIXDatagramSocket.newInstance();
        journal.bind(AFUNIXSocketAddress.of(folder.resolve("socket")));
        journal.setSoTimeout(10_000);
    }

    /** The device and the inode of the file that is standard error in these tests. */
    private String stream() throws Exception {
        Path file = folder.resolve("stderr");
        if (!Files.exists(file)) {
            Files.createFile(file);
        }
        Process stat = new ProcessBuilder("stat", "-c", "%d:%i", file.toString()).start();
        return new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    private Logger logger(Map<String, String> environment) {
        var context = new LoggerContext();
        context.setMDCAdapter(mdc);
        var layout = new Journal.Lines(true);
        layout.start();
        var encoder = new LayoutWrappingEncoder<ILoggingEvent>();
        encoder.setLayout(layout);
        encoder.start();
        var appender =
                new FieldAppender(
                        mdc,
                        new JournalSocket(folder.resolve("socket")),
                        environment,
                        folder.resolve("stderr"));
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.start();
        appender.setOutputStream(stderr);
        Logger logger = context.getLogger("x");
        logger.addAppender(appender);
        return logger;
    }

    private String lines() {
        return stderr.toString(StandardCharsets.UTF_8);
    }

    /** The fields of the next entry, as journald reads them. */
    private List<String> receive() throws Exception {
        var packet = new DatagramPacket(new byte[1 << 20], 1 << 20);
        journal.receive(packet);
        var bytes = ByteBuffer.wrap(packet.getData(), 0, packet.getLength());
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        var fields = new ArrayList<String>();
        while (bytes.hasRemaining()) {
            String name = until(bytes, "=\n");
            if (bytes.get(bytes.position() - 1) == '=') {
                fields.add(name + "=" + until(bytes, "\n"));
            } else {
                var value = new byte[Math.toIntExact(bytes.getLong())];
                bytes.get(value);
                assertEquals('\n', bytes.get());
                fields.add(name + "=" + new String(value, StandardCharsets.UTF_8));
            }
        }
        return fields;
    }

    private static String until(ByteBuffer bytes, String ends) {
        var text = new ByteArrayOutputStream();
        for (byte b = bytes.get(); ends.indexOf(b) < 0; b = bytes.get()) {
            text.write(b);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    private void assertReceives(String... fields) throws Exception {
        assertEquals(String.join("|", fields), String.join("|", receive()));
    }

    private void assertNothingReceived() throws Exception {
        journal.setSoTimeout(1);
        try {
            assertEquals(List.of(), receive());
        } catch (SocketTimeoutException e) {
            journal.setSoTimeout(10_000);
        }
    }

    @Test
    void aMessageAboutADestinationAndPathsHasThemAsFields() throws Exception {
        mdc.put(LogFields.DESTINATION, "ssh://cäche");
        log.warn("{}: {} not taken", "ssh://cäche", "2 paths", List.of(HELLO, WORLD));
        assertReceives(
                "MESSAGE=ssh://cäche: 2 paths not taken",
                "PRIORITY=4",
                PLAIN,
                "DESTINATION=ssh://cäche",
                "STORE_PATH=/nix/store/" + HELLO,
                "STORE_PATH=/nix/store/" + WORLD);
        assertEquals("", lines());
    }

    @Test
    void aPathIsNamedOnceInItsStore() throws Exception {
        log = logger(Map.of("JOURNAL_STREAM", stream(), "NPBHQ_STORE_DIR", "/other/store/"));
        log.error("lost {}", HELLO, List.of(HELLO));
        assertReceives(
                "MESSAGE=lost " + HELLO, "PRIORITY=3", PLAIN, "STORE_PATH=/other/store/" + HELLO);
        assertEquals("", lines());
    }

    @Test
    void aMessageOfSeveralLinesIsOneEntryAndSanitized() throws Exception {
        mdc.put(LogFields.DESTINATION, "b");
        log.info("first\nPRIORITY=0\u001b[2J\n", new IllegalStateException("thrown"));
        List<String> fields = receive();
        String message = fields.getFirst();
        assertTrue(
                message.startsWith(
                        "MESSAGE=first\nPRIORITY=0\n\njava.lang.IllegalStateException: thrown\n"),
                message);
        assertTrue(message.contains("FieldAppenderTest.java:") && !message.endsWith("\n"), message);
        assertEquals(
                "PRIORITY=6|" + PLAIN + "|DESTINATION=b",
                String.join("|", fields.subList(1, fields.size())));
    }

    @Test
    void otherMessagesAreLinesOfStandardError() throws Exception {
        log.info("exits: {}", "nothing left to do");
        log.warn("{} paths", List.of(1, 2));
        assertEquals("<6>exits: nothing left to do\n<4>[1, 2] paths\n", lines());
        assertNothingReceived();
    }

    @Test
    void everyMessageIsALineWhenStandardErrorIsNotTheJournal() throws Exception {
        log = logger(Map.of("JOURNAL_STREAM", "8:1"));
        log.info("lost {}", HELLO);
        assertEquals("<6>lost " + HELLO + "\n", lines());
        assertNothingReceived();
    }

    @Test
    void aMessageIsALineWhileTheSocketIsGone() throws Exception {
        log.info("first {}", HELLO);
        assertEquals("MESSAGE=first " + HELLO, receive().getFirst());
        journal.close();
        log.info("second {}", HELLO);
        Files.deleteIfExists(folder.resolve("socket"));
        log.info("third {}", HELLO);
        assertEquals("<6>second " + HELLO + "\n<6>third " + HELLO + "\n", lines());
        listen();
        log.info("fourth {}", HELLO);
        assertEquals("MESSAGE=fourth " + HELLO, receive().getFirst());
    }

    @Test
    void messagesAreLinesWhileTheSocketIsFullAndNothingBlocks() throws Exception {
        var sent = new AtomicInteger();
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> {
                    while (lines().isEmpty()) {
                        log.info("{} of {}", sent.getAndIncrement(), HELLO);
                    }
                });
        int all = sent.get() - 1; // the last one is the line
        for (int i = 0; i < all; i++) {
            assertEquals("MESSAGE=" + i + " of " + HELLO, receive().getFirst());
        }
        assertEquals("<6>" + all + " of " + HELLO + "\n", lines());
        assertNothingReceived();
        log.info("and again {}", HELLO);
        assertEquals("MESSAGE=and again " + HELLO, receive().getFirst());
    }

    @Test
    void aMessageThatIsTooLargeIsALine() throws Exception {
        String large = "x".repeat(1 << 20);
        log.info("{} {}", HELLO, large);
        assertTrue(lines().equals("<6>" + HELLO + " " + large + "\n"), "a line with all of it");
        log.info("small {}", HELLO);
        assertEquals("MESSAGE=small " + HELLO, receive().getFirst());
    }

    @Test
    void ofManyPathsTheFirst500AreFields() throws Exception {
        List<StorePath> many =
                IntStream.range(0, 4_000)
                        .mapToObj(i -> new StorePath(HASH + "-" + i + "x".repeat(200)))
                        .toList();
        log.info("many", many, HELLO);
        List<String> fields = receive();
        assertEquals(4 + 500, fields.size());
        assertEquals("STORE_PATH=/nix/store/" + many.get(499), fields.getLast());
        assertEquals("", lines());
    }

    @Test
    void anInterruptedThreadSendsAndStaysInterrupted() throws Exception {
        var interrupted = new CompletableFuture<Boolean>();
        var thread =
                new Thread(() -> {
                    Thread.currentThread().interrupt();
                    log.info("first {}", HELLO);
                    interrupted.complete(Thread.currentThread().isInterrupted());
                });
        thread.start();
        assertTrue(interrupted.get(10, TimeUnit.SECONDS));
        log.info("second {}", HELLO);
        assertEquals("MESSAGE=first " + HELLO, receive().getFirst());
        assertEquals("MESSAGE=second " + HELLO, receive().getFirst());
        assertEquals("", lines());
    }

    @Test
    void aThreadHasTheDestinationOfTheThreadThatStartedIt() throws Exception {
        mdc.put(LogFields.DESTINATION, "a");
        var thread = new Thread(() -> log.info("said"));
        thread.start();
        thread.join();
        assertReceives("MESSAGE=said", "PRIORITY=6", PLAIN, "DESTINATION=a");
    }

    @Test
    void everyLevelHasItsPriority() throws Exception {
        log.error("{}", HELLO);
        log.warn("{}", HELLO);
        log.info("{}", HELLO);
        log.debug("{}", HELLO);
        for (int priority : new int[] {3, 4, 6, 7}) {
            assertEquals("PRIORITY=" + priority, receive().get(1));
        }
    }
}
