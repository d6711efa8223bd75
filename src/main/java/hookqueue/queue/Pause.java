package hookqueue.queue;

/**
 * A pause: no new batch starts.
 *
 * @param since when it began, in milliseconds since the epoch
 * @param until when it ends, in milliseconds since the epoch; 0 if only an operator ends it
 */
public record Pause(long since, long until) {
    /** Whether it is still in force. */
    boolean lasts(long now) {
        return until == 0 || now < until;
    }

    /** Whether it ends without an operator. */
    public boolean ends() {
        return until > 0;
    }
}
