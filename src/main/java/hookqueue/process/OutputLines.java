package hookqueue.process;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Splits a stream of bytes into lines of at most 64 KiB. The rest of a longer line is dropped. */
final class OutputLines {
    private static final int LONGEST = 64 * 1024;

    private final Consumer<String> consumer;

    /** A line whose end has not come yet. */
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(1024);

    OutputLines(Consumer<String> consumer) {
        this.consumer = consumer;
    }

    void take(byte[] bytes, int count) {
        int from = 0;
        for (int i = 0; i < count; i++) {
            if (bytes[i] == '\n') {
                keep(bytes, from, i);
                end();
                from = i + 1;
            }
        }
        keep(bytes, from, count);
    }

    /** Passes on the last line if it has no line end. */
    void finish() {
        if (line.size() > 0) {
            end();
        }
    }

    private void keep(byte[] bytes, int from, int end) {
        line.write(bytes, from, Math.min(end - from, LONGEST - line.size()));
    }

    private void end() {
        consumer.accept(line.toString(StandardCharsets.UTF_8));
        line.reset();
    }
}
