package hookqueue.queue;

/**
 * That no new batch is to start.
 *
 * @param since since when, in milliseconds since the epoch
 * @param until when it ends by itself, in milliseconds since the epoch; 0 when only an operator
 *     ends it
 */
public record Pause(long since, long until) {
    /** Whether it is still in force. */
    boolean lasts(long now) {
        return until == 0 || now < until;
    }

    /** Whether it ends by itself. */
    public boolean ends() {
        return until > 0;
    }
}
