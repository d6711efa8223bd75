package hookqueue.queue;

/**
 * Whether a lane's destination is considered down. The breaker outlives the worker: a destination
 * that was down stays down after a restart.
 *
 * @param failures failed trials in a row, 0 while the destination is considered up
 * @param until no trial before this, in milliseconds since the epoch
 * @param since when the destination was first found down, in milliseconds since the epoch
 * @param reason the last failure's message
 */
public record Breaker(int failures, long until, long since, String reason) {
    public static final Breaker CLOSED = new Breaker(0, 0, 0, "");

    /** Whether the destination is considered down. */
    public boolean open() {
        return failures > 0;
    }
}
