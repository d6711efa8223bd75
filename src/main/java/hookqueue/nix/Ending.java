package hookqueue.nix;

import java.time.Duration;

/** How a child process ended. */
public sealed interface Ending {
    /** It exited by itself with this status; 128 and more stands for a signal, as in a shell. */
    record Exited(int status) implements Ending {}

    /** It gave no sign of progress for so long and was ended. */
    record Stalled(Duration silence) implements Ending {}

    /** The worker stops, it was ended. */
    record Cancelled() implements Ending {}

    /** It could not be started. */
    record NotStarted(String reason) implements Ending {}

    /** Whether it exited with status 0. */
    default boolean succeeded() {
        return this instanceof Exited exited && exited.status() == 0;
    }
}
