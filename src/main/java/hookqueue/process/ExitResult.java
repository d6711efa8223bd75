package hookqueue.process;

import java.time.Duration;

/** How a child process ended. */
public sealed interface ExitResult {
    /** It exited by itself with this status; 128 and more stands for a signal, as in a shell. */
    record Exited(int status) implements ExitResult {}

    /** It gave no sign of life for this long and was stopped. */
    record Stalled(Duration silence) implements ExitResult {}

    /** It was stopped because the worker stops. */
    record Cancelled() implements ExitResult {}

    /** It could not be started. */
    record NotStarted(String reason) implements ExitResult {}

    /** It exited with status 0, but its answer is malformed. */
    record Unreadable(String reason) implements ExitResult {}

    /** Whether it exited with status 0. */
    default boolean succeeded() {
        return this instanceof Exited exited && exited.status() == 0;
    }
}
