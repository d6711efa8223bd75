package hookqueue.queue;

import java.time.Duration;
import java.util.Optional;

/**
 * How fast a lane has been of late: sums in which every child process counts for three quarters of
 * the next one, so that the last few decide.
 *
 * @param paths that arrived
 * @param millis that it took
 */
public record Pace(double paths, double millis) {
    /** Nothing is known yet. */
    public static final Pace UNKNOWN = new Pace(0, 0);

    /** What remains of the sums when another child process is added. */
    static final double KEPT = 0.75;

    /** How long so many paths will take if it goes on like this; empty when nothing is known. */
    public Optional<Duration> timeFor(long more) {
        return paths <= 0
                ? Optional.empty()
                : Optional.of(Duration.ofMillis(Math.round(more * millis / paths)));
    }
}
