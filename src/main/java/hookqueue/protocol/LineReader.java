package hookqueue.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts a connection's bytes into lines. A line ends with LF, or where the client has closed the
 * connection in order; a line that a reset cuts off is dropped. A line has at most 1 MiB: the rest
 * of a longer one is read and thrown away. Silence within a line is limited, and so is the time for
 * a whole line; a long line delays other clients and gets less time.
 */
final class LineReader implements AutoCloseable {
    static final int LONGEST = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(LineReader.class);

    /** Bytes of a line that needs no place: about 700 paths. Also the most bytes of one read. */
    static final int SHORT = 64 * 1024;

    /** The next event of a connection. */
    sealed interface Found {
        /** A line without its end; bytes that are not UTF-8 are replaced. */
        record Line(String text) implements Found {}

        /** A line of more than 1 MiB. */
        record TooLong() implements Found {}

        /** A long line, while other clients use all the room for long lines. */
        record NoRoom() implements Found {}

        /** The client was silent for too long. */
        record Silent(boolean withinLine) implements Found {}

        /** No more lines. */
        record End() implements Found {}
    }

    /** A stream of bytes, with a limit on silence. */
    interface Source {
        /** After so long without a byte, reads throw {@link SocketTimeoutException}; 0: never. */
        void limitSilence(int millis) throws IOException;

        InputStream stream();
    }

    private final Source source;
    private final Duration withinLine;
    private final Duration between;

    /** The room for longer lines, which all sessions share: 64 of 1 MiB would fill the heap. */
    private final Semaphore longLines;

    private boolean inPlace;
    private byte[] buffer = new byte[8192];
    private int start;
    private int end;
    private int searched;
    private boolean full;

    /** The kernel tells a reset once; later reads look like an orderly end. */
    private boolean reset;

    LineReader(Source source, Duration withinLine, Duration between, Semaphore longLines) {
        this.source = source;
        this.withinLine = withinLine;
        this.between = between;
        this.longLines = longLines;
    }

    /** Whether a whole line has arrived, so that {@link #next()} does not block, nor does this. */
    boolean hasLine() throws IOException {
        while (lineEnd() < 0) {
            if (end - start >= SHORT || !hasBytes() || fill(end > start) < 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether the last line was long: it keeps its room until {@link #next()}. */
    boolean holdsLong() {
        return inPlace;
    }

    private boolean hasBytes() {
        try {
            return source.stream().available() > 0;
        } catch (IOException e) {
            return false; // next() finds out why
        }
    }

    /** Waits for the next event. The caller must be done with the last line. */
    Found next() throws IOException, InterruptedException {
        giveBack();
        @Nullable Found dropped = null;
        long begun = 0;
        while (true) {
            int lineEnd = lineEnd();
            if (lineEnd >= 0) {
                Found found = dropped == null ? line(lineEnd) : dropped;
                start = lineEnd + 1;
                searched = start;
                return found;
            }
            if (dropped == null && end - start > LONGEST) {
                dropped = new Found.TooLong();
            } else if (dropped == null && !inPlace && end - start >= SHORT) {
                inPlace = longLines.tryAcquire(withinLine.toNanos(), TimeUnit.NANOSECONDS);
                dropped = inPlace ? null : new Found.NoRoom();
                begun = System.nanoTime();
            }
            if (dropped != null) {
                start = end;
                searched = end;
            }
            boolean within = dropped != null || end > start;
            if (within && begun == 0) {
                begun = System.nanoTime();
            }
            long most = (inPlace ? 1 : 10) * withinLine.toNanos();
            if (within && System.nanoTime() - begun > most) {
                return new Found.Silent(true);
            }
            int count;
            try {
                count = fill(within);
            } catch (SocketTimeoutException e) {
                return new Found.Silent(within);
            }
            if (reset) {
                start = end;
                searched = end;
                return new Found.End();
            }
            if (count < 0) {
                return atEnd(dropped);
            }
        }
    }

    private Found atEnd(@Nullable Found dropped) {
        if (dropped != null) {
            start = end;
            return dropped;
        }
        if (end == start) {
            return new Found.End();
        }
        Found last = line(end);
        start = end;
        searched = end;
        return last;
    }

    /** Frees the room of a long line that was answered. */
    private void giveBack() {
        if (inPlace && end - start < SHORT) {
            byte[] small = new byte[SHORT];
            System.arraycopy(buffer, start, small, 0, end - start);
            buffer = small;
            searched -= start;
            end -= start;
            start = 0;
            inPlace = false;
            longLines.release();
        }
    }

    @Override
    public void close() {
        if (inPlace) {
            inPlace = false;
            longLines.release();
        }
    }

    private Found line(int lineEnd) {
        return lineEnd - start > LONGEST
                ? new Found.TooLong()
                : new Found.Line(
                        new String(buffer, start, lineEnd - start, StandardCharsets.UTF_8));
    }

    private int lineEnd() {
        for (; searched < end; searched++) {
            if (buffer[searched] == '\n') {
                return searched;
            }
        }
        return -1;
    }

    private int fill(boolean within) throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            searched -= start;
            end -= start;
            start = 0;
        }
        if (end == buffer.length || (full && buffer.length < SHORT)) {
            int most = inPlace ? LONGEST + SHORT : SHORT;
            buffer = Arrays.copyOf(buffer, Math.min(buffer.length * 4, most));
        }
        source.limitSilence(Math.toIntExact((within ? withinLine : between).toMillis()));
        try {
            int count = source.stream().read(buffer, end, buffer.length - end);
            end += Math.max(0, count);
            full = end == buffer.length;
            return count;
        } catch (SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            LOG.debug("a client has reset its connection: {}", e.toString());
            reset = true;
            return -1;
        }
    }
}
