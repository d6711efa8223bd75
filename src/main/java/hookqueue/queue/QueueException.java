package hookqueue.queue;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The queue's disk failed, and the task had no effect. The message is for people. */
public final class QueueException extends Exception {
    private static final long serialVersionUID = 1;

    public QueueException(String message, Throwable cause) {
        super(message, cause);
    }

    public static QueueException unusable(Path stateDir, @Nullable String reason, Throwable cause) {
        return new QueueException(
                "the state directory " + stateDir + " cannot be used: " + reason, cause);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
