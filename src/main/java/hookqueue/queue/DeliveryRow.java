package hookqueue.queue;

import hookqueue.base.StorePath;

/**
 * Where one path stands in one lane, as {@code list}, {@code failed} and {@code explain} show it.
 *
 * @param id the path's row, for paging
 * @param path the path
 * @param lane the lane's name
 * @param configured whether the lane is in the settings in force
 * @param state where it stands
 * @param queuedAt milliseconds since the epoch
 * @param dueAt not before, in milliseconds since the epoch, 0 for at once
 * @param inconclusive failures that proved nothing
 * @param failures failures that count
 * @param reason the last failure's, empty when there was none
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

    /** Whether its lane will still try it by itself. */
    public boolean outstanding() {
        return configured && (state == State.FRESH || state == State.DEFERRED);
    }

    /** The states of a path in a lane. */
    public enum State {
        /** Waits for the lane {@code sign}. */
        HELD(0),
        /** Due, has not failed on its own. */
        FRESH(1),
        /** Has failed, will be tried again. */
        DEFERRED(2),
        /** Will not be tried again by itself. */
        FAILED(3);

        private final int stored;

        State(int stored) {
            this.stored = stored;
        }

        /** The number that stands for it in the database; never to be given another meaning. */
        int stored() {
            return stored;
        }

        /** The state that a number in the database stands for. */
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
