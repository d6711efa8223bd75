package hookqueue.queue;

import hookqueue.base.StorePath;

/**
 * The state of one path in one lane, for {@code list}, {@code failed} and {@code explain}.
 *
 * @param id the path's row, for paging
 * @param queuedAt milliseconds since the epoch
 * @param dueAt not before, in milliseconds since the epoch, 0 for at once
 * @param inconclusive failures that proved nothing
 * @param failures failures that count
 * @param reason the last failure's message, empty if there was none
 */
public record DeliveryRow(
        long id,
        StorePath path,
        String lane,
        boolean configured,
        State state,
        long queuedAt,
        long dueAt,
        int inconclusive,
        int failures,
        String reason) {

    /** Whether its lane will still try it without an operator. */
    public boolean outstanding() {
        return configured && (state == State.FRESH || state == State.DEFERRED);
    }

    public enum State {
        /** Waits for the lane {@code sign}. */
        HELD(0),
        /** Due, and has never failed on its own. */
        FRESH(1),
        /** Has failed, and will be retried. */
        DEFERRED(2),
        /** Will not be retried without an operator. */
        FAILED(3);

        private final int stored;

        State(int stored) {
            this.stored = stored;
        }

        /** Its number in the database. Never change its meaning. */
        int stored() {
            return stored;
        }

        static State of(int stored) {
            for (State state : values()) {
                if (state.stored == stored) {
                    return state;
                }
            }
            throw new IllegalStateException("no state has the number " + stored);
        }
    }
}
