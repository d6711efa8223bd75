package hookqueue.delivery;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * Delays that double from a floor to a ceiling, with a jitter of 20 % either way, so that many
 * machines do not retry in step.
 *
 * @param ceiling the largest delay before jitter
 * @param random numbers from 0 to 1
 */
record Backoff(Duration floor, Duration ceiling, DoubleSupplier random) {
    private static final double SPREAD = 0.2;

    /** 5 s to 15 min. */
    static Backoff standard(DoubleSupplier random) {
        return new Backoff(Duration.ofSeconds(5), Duration.ofMinutes(15), random);
    }

    /** Milliseconds to wait after the n-th failure, n from 1. */
    long millis(int failures) {
        int doublings = Math.clamp(failures - 1L, 0, 30);
        long delay = Math.min(ceiling.toMillis(), floor.toMillis() << doublings);
        return Math.round(delay * (1 - SPREAD + 2 * SPREAD * random.getAsDouble()));
    }

    /** The largest delay with jitter, in milliseconds. */
    long longestMillis() {
        return Math.round(ceiling.toMillis() * (1 + SPREAD)) + 1;
    }
}
