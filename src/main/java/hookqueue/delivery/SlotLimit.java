package hookqueue.delivery;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How many child processes a destination gets at a time: half as many whenever it reports that it
 * is busy, and none for a while; one more after some rounds of delivered batches (additive
 * increase, multiplicative decrease). Pure.
 *
 * <p>A round is one delivered batch for each permitted child process. The number of rounds doubles
 * with every report, so that many builders, which share a busy destination, seldom ask for more
 * than it can take. It is one again as soon as all child processes are permitted.
 */
final class SlotLimit {
    private static final int MOST_ROUNDS = 8;
    private static final Duration BUSY_FLOOR = Duration.ofSeconds(1);
    private static final Duration BUSY_CEILING = Duration.ofMinutes(1);

    private final int most;
    private final Backoff backoff;
    private int now;
    private int rounds = 1;

    /** Delivered batches since the limit last changed. */
    private int deliveries;

    private int busyInARow;
    private long busyUntil;

    /** Batches with a lower number were in flight when the limit was last halved. */
    private long countsFrom;

    SlotLimit(int most, DoubleSupplier random) {
        this.most = most;
        this.now = most;
        this.backoff = new Backoff(BUSY_FLOOR, BUSY_CEILING, random);
    }

    int most() {
        return most;
    }

    int now() {
        return now;
    }

    /** Milliseconds until the retry after the destination reported that it was busy. */
    long busyFor(long time) {
        long left = busyUntil - time;
        return left <= 0 || left > 2 * BUSY_CEILING.toMillis()
                ? 0
                : left; // a longer wait: the clock was set back
    }

    void delivered() {
        busyInARow = 0;
        if (now == most || ++deliveries < rounds * now) {
            return;
        }
        deliveries = 0;
        now++;
        if (now == most) {
            rounds = 1;
        }
    }

    /**
     * Records that the destination was too busy for the batch of a number, at a time in
     * milliseconds since the epoch. Batches that were in flight at that time count once: they have
     * lower numbers than the next one.
     */
    void busy(long batch, long next, long time) {
        if (batch >= countsFrom) {
            countsFrom = next;
            deliveries = 0;
            now = Math.max(1, now / 2);
            rounds = Math.min(MOST_ROUNDS, 2 * rounds);
            busyUntil = time + backoff.millis(++busyInARow);
        }
    }

    /** Records that the destination is down: the lane's breaker says when it is tried again. */
    void down() {
        busyUntil = 0;
    }
}
