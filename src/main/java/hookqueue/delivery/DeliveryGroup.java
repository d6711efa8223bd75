package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import java.util.List;

/**
 * Paths that are sent together.
 *
 * @param number groups that start later have higher ones
 * @param part of a refused batch: sent one by one until a delivery shows that the destination works
 */
record DeliveryGroup(long number, Kind kind, List<Entry> members, boolean part) {
    enum Kind {
        /** A batch of the fast path. */
        BATCH,
        /** Paths that failed before, or part of a refused batch. */
        DIAGNOSIS,
        /** A delivered path once more, to check whether the destination still works. */
        PROOF,
        /** One path, to check whether a destination that was down works again. */
        TRIAL
    }

    /** A group that has not started. */
    static DeliveryGroup waiting(Kind kind, List<Entry> members) {
        return new DeliveryGroup(0, kind, members, false);
    }

    static DeliveryGroup partOf(List<Entry> members) {
        return new DeliveryGroup(0, Kind.DIAGNOSIS, members, true);
    }

    DeliveryGroup as(long other) {
        return new DeliveryGroup(other, kind, members, part);
    }

    DeliveryGroup of(List<Entry> some) {
        return new DeliveryGroup(0, kind, some, part);
    }

    List<StorePath> paths() {
        return members.stream().map(Entry::path).toList();
    }

    /** Whether a member has never failed alone. */
    boolean hasFresh() {
        return members.stream().anyMatch(Entry::fresh);
    }
}
