package hookqueue.queue;

/**
 * A pause: no new batch starts. Times are milliseconds since the epoch; {@code until} is 0 if only
 * an operator ends it.
 */
public record Pause(long since, long until) {
    /** Whether it ends without an operator. */
    public boolean ends() {
        return until > 0;
    }
}
