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
 * @param tries failures that proved nothing
 * @param attempts failures that count
 * @param reason the last failure's, empty when there was none
 */
public record Row(
        long id,
        StorePath path,
        String lane,
        boolean configured,
        State state,
        long queuedAt,
        long dueAt,
        int tries,
        int attempts,
        String reason) {

    /** The states of a path in a lane; the ordinal is what the database holds, so the order is fixed. */
    public enum State {
        /** Waits for the lane {@code sign}. */
        HELD,
        /** Due, has not failed on its own. */
        FRESH,
        /** Has failed, will be tried again. */
        DEFERRED,
        /** Will not be tried again by itself. */
        FAILED
    }
}
