package hookqueue.delivery;

import java.util.Map;
import java.util.function.Function;

/**
 * The way to a destination, which the child processes of a lane share. It tells a lane how many
 * paths are worth a child process: on a near link the start of a child takes longer than sending
 * 100 small paths, on a far one it takes as long as sending a few.
 *
 * <p>All methods are for the lane's thread, except the transports.
 */
public interface Link {
    /** Whether one child process sends a batch as fast as several would. */
    boolean isNear();

    /** Prepares for child processes, which start soon. Returns at once. */
    default void open() {}

    /** Milliseconds until {@link #isNear} is certain; 0 when it is. */
    default long settlesIn() {
        return 0;
    }

    /** Records that the lane has no work. Returns after how many milliseconds to do so again. */
    default long rest() {
        return Long.MAX_VALUE;
    }

    /** Ends what {@link #open} has prepared. No child process runs any more. */
    default void close() {}

    /**
     * A transport over this link, for one slot.
     *
     * @param environment of the slot's child processes
     * @param make makes a transport whose child processes have such an environment
     */
    default Transport transport(
            Map<String, String> environment, Function<Map<String, String>, Transport> make) {
        return make.apply(environment);
    }
}
