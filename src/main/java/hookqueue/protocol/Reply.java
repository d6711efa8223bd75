package hookqueue.protocol;

import java.io.IOException;

/**
 * The reply to one request: data lines, then one line that starts with {@code ok} or {@code error}.
 * A data line that would start with either word is indented by a space.
 */
public interface Reply {
    /**
     * Says one data line; it is sent when there is enough of it.
     *
     * @throws IOException when nobody listens any more; the request may be given up
     */
    void data(String line) throws IOException;

    /**
     * Sends what was said so far.
     *
     * @throws IOException when nobody listens any more; the request may be given up
     */
    void flush() throws IOException;
}
