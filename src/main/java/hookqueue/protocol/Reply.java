package hookqueue.protocol;

import java.io.IOException;
import java.util.List;

/**
 * The reply to one request: data lines, then one line that starts with {@code ok} or {@code error}.
 * A data line that would start with either word is indented by a space. A method throws when the
 * client is gone; the handler may stop.
 */
public interface Reply {
    /** Buffers one data line; a full buffer is sent. */
    void data(String line) throws IOException;

    /** Buffers several data lines, as {@link #data(String)} does. */
    default void data(List<String> lines) throws IOException {
        for (String line : lines) {
            data(line);
        }
    }

    /** Sends the buffered lines. */
    void flush() throws IOException;
}
