package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.Set;

/** The result of sending a group of paths to their destination. */
public sealed interface DeliveryOutcome {
    /** Why the paths are not there, sanitized; empty if they are, or if nobody knows. */
    default String reason() {
        return "";
    }

    /** Whether they were not taken, or the lane cannot work. */
    default boolean failed() {
        return this instanceof NotTaken || this instanceof Unusable;
    }

    /** The destination, or the way to it, did not take the paths. */
    sealed interface NotTaken extends DeliveryOutcome {}

    /** The destination has all of them; so many bytes were sent, as the program reported. */
    record Delivered(long bytes) implements DeliveryOutcome {}

    /** The destination lacks at least one of them, or may lack it. */
    record Refused(String reason) implements NotTaken {}

    /** The destination is overloaded (HTTP 429, 502, 503, 504). A retry may succeed soon. */
    record Busy(String reason) implements NotTaken {}

    /**
     * The destination refuses for a reason of its own: its disk is full, a quota is exceeded, or it
     * does not permit writing (HTTP 401, 403, 500, 507). No path is to blame. The destination may
     * still accept other paths, such as smaller ones.
     */
    record Unavailable(String reason) implements NotTaken {}

    /** The connection or the login failed: the destination accepts no path at all now. */
    record Unreachable(String reason) implements NotTaken {}

    /**
     * These paths are not valid in the local store, and no retry changes that. The state of the
     * others is unknown.
     */
    record Invalid(Set<StorePath> paths, String reason) implements DeliveryOutcome {}

    /** The lane cannot work at all: it cannot read a key or start a program. */
    record Unusable(String reason) implements DeliveryOutcome {}

    /** The worker stops; the result is unknown. */
    record Cancelled() implements DeliveryOutcome {}
}
