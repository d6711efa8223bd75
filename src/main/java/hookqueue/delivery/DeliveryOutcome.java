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
     * The destination is too busy or has no room just now (HTTP 429 or 503, for example): not the
     * fault of any path. At least one of them is not there.
     *
     * @param reason the program's own words, fit to print
     */
    record Busy(String reason) implements DeliveryOutcome {}

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
