package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.protocol.LineReader.Found;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

class LineReaderTest {
    private static final Duration WITHIN = Duration.ofSeconds(30);
    private static final Duration BETWEEN = Duration.ofMinutes(5);

    /** Returns pieces one after the other, then ends, blocks, or fails. */
    private static final class Pieces extends InputStream implements LineReader.Source {
        private final List<byte[]> pieces;
        private final List<Integer> limits = new ArrayList<>();
        private int piece;
        private int offset;
        private IOException atEnd;

        Pieces(List<byte[]> pieces) {
            this.pieces = pieces;
        }

        Pieces endingWith(IOException e) {
            atEnd = e;
            return this;
        }

        @Override
        public void limitSilence(int millis) {
            limits.add(millis);
        }

        @Override
        public InputStream stream() {
            return this;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("one byte a call would be slow");
        }

        @Override
        public int read(byte[] into, int start, int most) throws IOException {
            assertTrue(most > 0, "there is always room to read into");
            if (piece == pieces.size()) {
                if (atEnd != null) {
                    throw atEnd;
                }
                return -1;
            }
            byte[] now = pieces.get(piece);
            int count = Math.min(most, now.length - offset);
            System.arraycopy(now, offset, into, start, count);
            offset += count;
            if (offset == now.length) {
                piece++;
                offset = 0;
            }
            return count;
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<Found> read(Pieces pieces) throws Exception {
        var reader =
                new LineReader(
                        pieces, WITHIN, BETWEEN, new Semaphore(Listener.MOST_LONG_LINES, true));
        var all = new ArrayList<Found>();
        do {
            all.add(reader.next());
        } while (!(all.getLast() instanceof Found.End) && !(all.getLast() instanceof Found.Silent));
        return all;
    }

    private static List<Found> lines(String... texts) {
        var all = new ArrayList<Found>();
        for (String text : texts) {
            all.add(new Found.Line(text));
        }
        all.add(new Found.End());
        return all;
    }

    @Test
    void splitsOfTheStreamDoNotChangeTheLines() throws Exception {
        byte[] whole = bytes("first\n\nthird é\r\nlast");
        for (int a = 0; a <= whole.length; a++) {
            for (int b = a; b <= whole.length; b++) {
                var pieces = new ArrayList<byte[]>();
                for (int[] cut : new int[][] {{0, a}, {a, b}, {b, whole.length}}) {
                    if (cut[1] > cut[0]) {
                        pieces.add(java.util.Arrays.copyOfRange(whole, cut[0], cut[1]));
                    }
                }
                assertEquals(
                        lines("first", "", "third é\r", "last"),
                        read(new Pieces(pieces)),
                        "cut at " + a + " and " + b);
            }
        }
    }

    @Test
    void theLastLineMayLackItsEnd() throws Exception {
        assertEquals(lines(), read(new Pieces(List.of())));
        assertEquals(lines("a"), read(new Pieces(List.of(bytes("a\n")))));
        assertEquals(lines("a"), read(new Pieces(List.of(bytes("a")))));
        assertEquals(lines("", ""), read(new Pieces(List.of(bytes("\n\n")))));
    }

    @Test
    void nulBytesAndWhatIsNotUtf8DoNotEndALine() throws Exception {
        assertEquals(
                lines("a\0b", "\ufffd\ufffdx"),
                read(
                        new Pieces(
                                List.of(
                                        new byte[] {
                                            'a', 0, 'b', '\n', (byte) 0xff, (byte) 0xc0, 'x', '\n'
                                        }))));
    }

    @Test
    void aLineOfOneMebibyteIsAcceptedAndALongerOneIsNot() throws Exception {
        String longest = "x".repeat(1 << 20);
        assertEquals(
                List.of(
                        new Found.Line(longest),
                        new Found.TooLong(),
                        new Found.Line("next"),
                        new Found.End()),
                read(new Pieces(List.of(bytes(longest + "\n" + longest + "y\nnext\n")))));
    }

    @Test
    void theRestOfATooLongLineIsDiscarded() throws Exception {
        for (int length : new int[] {(1 << 20) + 1, 2 << 20, 5_000_000}) {
            byte[] line = bytes("x".repeat(length));
            assertEquals(
                    List.of(new Found.TooLong(), new Found.Line("next"), new Found.End()),
                    read(new Pieces(List.of(line, bytes("\nnext\n")))),
                    "length " + length);
            assertEquals(
                    List.of(new Found.TooLong(), new Found.End()),
                    read(new Pieces(List.of(line))),
                    "length " + length + ", no end");
        }
    }

    @Test
    void linesOfAllLengthsAreReadUnchanged() throws Exception {
        long seed = Long.getLong("hookqueue.seed", 7);
        var random = new Random(seed);
        var texts = new ArrayList<String>();
        var whole = new StringBuilder();
        for (int i = 0; i < 3_000; i++) {
            texts.add(
                    Character.toString('a' + i % 26)
                            .repeat(random.nextInt(i % 100 == 0 ? 30_000 : 300)));
            whole.append(texts.getLast()).append('\n');
        }
        byte[] all = bytes(whole.toString());
        var pieces = new ArrayList<byte[]>();
        for (int at = 0; at < all.length; ) {
            int size = Math.min(all.length - at, 1 + random.nextInt(20_000));
            pieces.add(java.util.Arrays.copyOfRange(all, at, at + size));
            at += size;
        }
        assertEquals(lines(texts.toArray(String[]::new)), read(new Pieces(pieces)), "seed " + seed);
    }

    @Test
    void silenceWithinALineAndBetweenLinesIsDistinguished() throws Exception {
        assertEquals(
                List.of(new Found.Line("a"), new Found.Silent(false)),
                read(new Pieces(List.of(bytes("a\n"))).endingWith(new SocketTimeoutException())));
        assertEquals(
                List.of(new Found.Line("a"), new Found.Silent(true)),
                read(new Pieces(List.of(bytes("a\nb"))).endingWith(new SocketTimeoutException())));
        assertEquals(
                List.of(new Found.Silent(true)),
                read(
                        new Pieces(List.of(bytes("x".repeat(3 << 20))))
                                .endingWith(new SocketTimeoutException())));
    }

    @Test
    void theSilenceLimitIsShortOnlyWithinALine() throws Exception {
        var pieces = new Pieces(List.of(bytes("a"), bytes("b\n")));
        read(pieces);
        assertEquals(List.of(300_000, 30_000, 300_000), pieces.limits);
    }

    /** Otherwise a slow client could occupy its connection forever. */
    @Test
    void aLineThatNeverEndsTimesOutAlthoughBytesArrive() throws Exception {
        var endless =
                new InputStream() {
                    @Override
                    public int read() {
                        return 'x';
                    }

                    @Override
                    public int read(byte[] into, int start, int most) {
                        into[start] = 'x';
                        return 1;
                    }
                };
        var source =
                new LineReader.Source() {
                    @Override
                    public void limitSilence(int millis) {}

                    @Override
                    public InputStream stream() {
                        return endless;
                    }
                };
        assertEquals(
                new Found.Silent(true),
                new LineReader(
                                source,
                                Duration.ofMillis(2),
                                BETWEEN,
                                new Semaphore(Listener.MOST_LONG_LINES, true))
                        .next());
    }

    @Test
    void aResetConnectionEndsAfterTheCompleteLines() throws Exception {
        var reset = new IOException("Connection reset by peer");
        assertEquals(lines("a"), read(new Pieces(List.of(bytes("a\n"))).endingWith(reset)));
        assertEquals(lines("a"), read(new Pieces(List.of(bytes("a\nb"))).endingWith(reset)));
        assertEquals(
                lines(),
                read(new Pieces(List.of(bytes("x".repeat(2 << 20)))).endingWith(reset)),
                "nobody hears that a line was too long");
    }

    @Test
    void knowsWhetherACompleteLineIsBuffered() throws Exception {
        var source = new Pieces(List.of(bytes("a\nb\nc"), bytes("\n")));
        var reader =
                new LineReader(
                        source, WITHIN, BETWEEN, new Semaphore(Listener.MOST_LONG_LINES, true));
        assertFalse(reader.hasLine(), "nothing was read yet");
        reader.next();
        assertTrue(reader.hasLine());
        reader.next();
        assertFalse(reader.hasLine(), "c has not ended");
        assertEquals(new Found.Line("c"), reader.next());
        assertFalse(reader.hasLine());
    }

    /** Bounds the memory: 64 clients with a line of 1 MiB each would exhaust it. */
    @Test
    void onlyTwoLongLinesAreReadAtATimeButShortOnesAlways() throws Exception {
        var room = new Semaphore(Listener.MOST_LONG_LINES, true);
        byte[] longLine = bytes("x".repeat(LineReader.SHORT) + "\ny\n");
        var first = new LineReader(new Pieces(List.of(longLine)), WITHIN, BETWEEN, room);
        var second = new LineReader(new Pieces(List.of(longLine)), WITHIN, BETWEEN, room);
        var third =
                new LineReader(new Pieces(List.of(longLine)), Duration.ofMillis(2), BETWEEN, room);
        assertEquals(new Found.Line("x".repeat(LineReader.SHORT)), first.next());
        assertEquals(new Found.Line("x".repeat(LineReader.SHORT)), second.next());
        assertEquals(new Found.NoRoom(), third.next());
        assertEquals(new Found.Line("y"), third.next(), "what follows is served");
        assertEquals(new Found.Line("y"), first.next(), "and gives its place back");
        var fourth =
                new LineReader(new Pieces(List.of(longLine)), Duration.ofMillis(2), BETWEEN, room);
        assertEquals(new Found.Line("x".repeat(LineReader.SHORT)), fourth.next());
        second.close();
        fourth.close();
        assertTrue(room.tryAcquire(), "and so does whoever goes in the middle");
        assertTrue(room.tryAcquire());
        assertFalse(room.tryAcquire(), "once only");
    }

    @Test
    void readsTheStandardStreamsOfTheJdkToo() throws Exception {
        var stream = new ByteArrayInputStream(bytes("one\ntwo\n"));
        var source =
                new LineReader.Source() {
                    @Override
                    public void limitSilence(int millis) {}

                    @Override
                    public InputStream stream() {
                        return stream;
                    }
                };
        var reader =
                new LineReader(
                        source, WITHIN, BETWEEN, new Semaphore(Listener.MOST_LONG_LINES, true));
        assertEquals(new Found.Line("one"), reader.next());
        assertEquals(new Found.Line("two"), reader.next());
        assertEquals(new Found.End(), reader.next());
    }
}
