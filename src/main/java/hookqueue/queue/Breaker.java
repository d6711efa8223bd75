package hookqueue.queue;

/**
 * Whether a lane's destination is taken to be down. It outlives the worker: a destination that was
 * down stays so.
 *
 * @param failures trials in a row that failed, 0 when the destination is not taken to be down
 * @param until no trial before this, in milliseconds since the epoch
 * @param since when it was first found down, in milliseconds since the epoch
 * @param reason why, in the words of the last failure
 */
public record Breaker(int failures, long until, long since, String reason) {
    /** The destination is not taken to be down. */
    public static final Breaker CLOSED = new Breaker(0, 0, 0, "");

    /** Whether the destination is taken to be down. */
    public boolean open() {
        return failures > 0;
    }
}
