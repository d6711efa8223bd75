package hookqueue.process;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/** Splits a stream of bytes into lines of at most 64 KiB. The rest of a longer line is dropped. */
final class OutputLines {
    private static final int LONGEST = 64 * 1024;

    private final Consumer<String> consumer;

    /** The beginning of a line whose end has not come yet. */
    private byte[] begun = new byte[1024];

    private int length;

    OutputLines(Consumer<String> consumer) {
        this.consumer = consumer;
    }

    void take(byte[] bytes, int count) {
        int from = 0;
        for (int i = 0; i < count; i++) {
            if (bytes[i] == '\n') {
                end(bytes, from, i);
                from = i + 1;
            }
        }
        keep(bytes, from, count);
    }

    /** Passes on the last line if it has no line end. */
    void finish() {
        if (length > 0) {
            endBegun();
        }
    }

    private void end(byte[] bytes, int from, int end) {
        if (length == 0) {
            int most = Math.min(end - from, LONGEST);
            consumer.accept(new String(bytes, from, most, StandardCharsets.UTF_8));
        } else {
            keep(bytes, from, end);
            endBegun();
        }
    }

    private void keep(byte[] bytes, int from, int end) {
        int more = Math.min(end - from, LONGEST - length);
        if (length + more > begun.length) {
            begun = Arrays.copyOf(begun, Math.max(length + more, 2 * begun.length));
        }
        System.arraycopy(bytes, from, begun, length, more);
        length += more;
    }

    private void endBegun() {
        consumer.accept(new String(begun, 0, length, StandardCharsets.UTF_8));
        length = 0;
    }
}
