package hookqueue.process;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/** Splits a stream of bytes into lines of at most 64 KiB. The rest of a longer line is dropped. */
final class OutputLines {
    private static final int LONGEST = 64 * 1024;

    private final Consumer<String> consumer;
    private byte[] line = new byte[1024];
    private int length;

    OutputLines(Consumer<String> consumer) {
        this.consumer = consumer;
    }

    void take(byte[] bytes, int count) {
        for (int i = 0; i < count; i++) {
            if (bytes[i] == '\n') {
                end();
            } else if (length < LONGEST) {
                if (length == line.length) {
                    line = Arrays.copyOf(line, length * 2);
                }
                line[length++] = bytes[i];
            }
        }
    }

    /** Passes on the last line if it has no line end. */
    void finish() {
        if (length > 0) {
            end();
        }
    }

    private void end() {
        consumer.accept(new String(line, 0, length, StandardCharsets.UTF_8));
        length = 0;
    }
}
