package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;

/**
 * Lines are the same however their bytes are split. The first byte of an input sets the length of
 * the pieces; 0xff and a number stand for that many times 8 KiB, so that long lines need no long
 * input. {@code ./dev fuzz} searches for inputs that violate this.
 */
final class LineReaderFuzz {
    private static final int MANY = 8 * 1024;
    private static final int MOST = LineReader.LONGEST + (LineReader.LONGEST >> 2);

    private LineReaderFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length > 0) {
            byte[] sent = expanded(data);
            try {
                assertEquals(lines(sent), found(sent, 1 + (data[0] & 0xff)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static byte[] expanded(byte[] data) {
        var bytes = new ByteArrayOutputStream();
        for (int i = 1; i < data.length; i++) {
            if (data[i] == (byte) 0xff && i + 1 < data.length) {
                int count = (data[++i] & 0xff) * MANY;
                bytes.writeBytes("x".repeat(Math.min(count, MOST - bytes.size())).getBytes());
            } else if (bytes.size() < MOST) {
                bytes.write(data[i]);
            }
        }
        return bytes.toByteArray();
    }

    private static List<LineReader.Found> lines(byte[] sent) {
        var lines = new ArrayList<LineReader.Found>();
        int start = 0;
        for (int i = 0; i <= sent.length; i++) {
            if (i == sent.length ? i > start : sent[i] == '\n') {
                lines.add(
                        i - start > LineReader.LONGEST
                                ? new LineReader.Found.TooLong()
                                : new LineReader.Found.Line(
                                        new String(
                                                sent, start, i - start, StandardCharsets.UTF_8)));
                start = i + 1;
            }
        }
        return lines;
    }

    private static List<LineReader.Found> found(byte[] sent, int piece)
            throws IOException, InterruptedException {
        var found = new ArrayList<LineReader.Found>();
        // Pieces of a few bytes would take a long time for a long line.
        var source = new Pieces(sent, sent.length > MANY ? piece * 64 : piece);
        var minute = Duration.ofMinutes(1);
        try (var reader =
                new LineReader(
                        source, minute, minute, new Semaphore(Listener.MOST_LONG_LINES, true))) {
            while (true) {
                boolean atHand = reader.hasLine();
                LineReader.Found next = reader.next();
                if (next instanceof LineReader.Found.End) {
                    return found;
                }
                assertEquals(atHand, atHand && next instanceof LineReader.Found.Line);
                found.add(next);
            }
        }
    }

    /** Bytes that arrive in pieces: {@code available} counts only bytes that have arrived. */
    private static final class Pieces extends InputStream implements LineReader.Source {
        private final byte[] bytes;
        private final int piece;
        private int position;

        Pieces(byte[] bytes, int piece) {
            this.bytes = bytes;
            this.piece = piece;
        }

        @Override
        public void limitSilence(int millis) {
            // It is never silent.
        }

        @Override
        public InputStream stream() {
            return this;
        }

        @Override
        public int available() {
            int rest = bytes.length - position;
            return Math.min(rest, position % piece == 0 ? 0 : piece - position % piece);
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("byte by byte");
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            if (position == bytes.length) {
                return -1;
            }
            int rest = Math.min(bytes.length - position, piece - position % piece);
            int count = Math.min(length, rest);
            System.arraycopy(bytes, position, into, offset, count);
            position += count;
            return count;
        }
    }
}
