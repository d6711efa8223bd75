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

    /** So many changes of the queue within a pause are a burst, and the lane waits for its end. */
    private static final long BURST = 5;

    /** The longest wait, also for a burst that does not end. */
    private static final long MOST_NANOS = 10 * PAUSE_NANOS;

    private long until;
    private long last;
    private long version;

    /**
     * @param now the lane may look at once
     */
    Gathering(long now) {
        until = now;
        last = now;
    }

    /** The lane has looked, and runs child processes. */
    void looked(long queueVersion, long now) {
        version = queueVersion;
        until = now + PAUSE_NANOS;
        last = now + MOST_NANOS;
    }

    /**
     * How long the lane has to wait for its next look.
     *
     * @param queueVersion changes with the queue
     * @return nanoseconds; 0 or less if it may look now
     */
    long remaining(long queueVersion, long now) {
        if (now - until >= 0 && now - last < 0 && queueVersion - version >= BURST) {
            version = queueVersion;
            until = Math.min(now + PAUSE_NANOS, last);
        }
        return until - now;
    }
}
