package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.Set;

/** What came of handing a group of paths to their destination. */
public sealed interface DeliveryOutcome {
    /**
     * All of them are there.
     *
     * @param bytes sent, as far as the program told
     */
    record Delivered(long bytes) implements DeliveryOutcome {}

    /**
     * At least one of them is not, or it is not known.
     *
     * @param reason the program's own words, fit to print
     */
    record Refused(String reason) implements DeliveryOutcome {}

    /**
     * The destination has too much to do (HTTP 429, 502, 503, 504). No path is to blame, and all of
     * them may be accepted a little later.
     *
     * @param reason the cause in one line
     */
    record Busy(String reason) implements DeliveryOutcome {}

    /**
     * The destination refused for a reason of its own: its disk is full, a quota is used up, it
     * does not permit writing (HTTP 401, 403, 500, 507). No path is to blame, but it may still
     * accept others, such as smaller ones.
     *
     * @param reason the cause in one line
     */
    record Unavailable(String reason) implements DeliveryOutcome {}

    /**
     * There is no connection to the destination, or no login: it accepts no path at all now.
     *
     * @param reason the cause in one line
     */
    record Unreachable(String reason) implements DeliveryOutcome {}

    /**
     * These are not valid in the local store, which no retry will change; nothing is known of the
     * others.
     *
     * @param reason for people
     */
    record Invalid(Set<StorePath> paths, String reason) implements DeliveryOutcome {}

    /** The lane cannot work at all: a key that cannot be read, a program that cannot be started. */
    record Unusable(String reason) implements DeliveryOutcome {}

    /** The worker stops; nothing is known. */
    record Cancelled() implements DeliveryOutcome {}
}
