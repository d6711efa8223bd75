package hookqueue.queue;

import java.time.Duration;
import java.util.Optional;

/**
 * The recent speed of a lane: sums in which each child process has three quarters of the weight of
 * the next one, so that the last few decide.
 *
 * @param millis how much of the lane's time they took: while several child processes run, each
 *     takes an equal part
 */
public record Pace(double paths, double millis) {
    /** The factor for the old sums when another child process is added. */
    static final double KEPT = 0.75;

    /** How long this many paths will take at the current rate; empty if the rate is unknown. */
    public Optional<Duration> timeFor(long more) {
        return paths <= 0
                ? Optional.empty()
                : Optional.of(Duration.ofMillis(Math.round(more * millis / paths)));
    }
}
