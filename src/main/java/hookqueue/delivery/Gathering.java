package hookqueue.delivery;

/**
 * Says when a lane that runs child processes may look at the queue again, so that the paths of a
 * burst of builds share the next child. Without it each free slot got a child for a path or two,
 * and these took the processors from the builds and the acknowledgements.
 *
 * <p>Serves one thread. Times are those of {@link System#nanoTime}.
 */
final class Gathering {
    /** The least time between two looks. */
    private static final long PAUSE_NANOS = 50_000_000;

    /** Paths that come faster than one in this time are a burst, and the lane waits for its end. */
    private static final long BURST_NANOS = 10_000_000;

    /** The longest wait, also for a burst that does not end. */
    private static final long MOST_NANOS = 10 * PAUSE_NANOS;

    private long until;
    private long last;
    private long countedAt;
    private long counted;

    /** The lane may look at once. */
    Gathering(long now) {
        until = now;
        last = now;
        countedAt = now;
    }

    /** The lane has looked, and runs child processes; so many paths were queued until then. */
    void looked(long queued, long now) {
        until = now + PAUSE_NANOS;
        last = now + MOST_NANOS;
        countedAt = now;
        counted = queued;
    }

    /**
     * How long the lane has to wait for its next look.
     *
     * @param queued how many paths were queued until now
     * @return nanoseconds; 0 or less if it may look now
     */
    long remaining(long queued, long now) {
        if (now - until >= 0 && now - last < 0 && isBurst(queued, now)) {
            until = Math.min(now + PAUSE_NANOS, last);
            countedAt = now;
            counted = queued;
        }
        return until - now;
    }

    private boolean isBurst(long queued, long now) {
        return (queued - counted) * BURST_NANOS >= now - countedAt;
    }
}
