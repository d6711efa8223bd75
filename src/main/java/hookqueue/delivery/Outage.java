package hookqueue.delivery;

import hookqueue.queue.Entry;
import org.jspecify.annotations.Nullable;

/**
 * Whether the destination is down: no connection; a refused proof; three fresh paths refused alone
 * with no delivery before them, or six with only proofs in between; or the answer, five times in a
 * row, that it is busy. Pure; a part of {@link DeliveryPolicy}.
 */
final class Outage {
    private static final int DOWN = 3;
    private static final int DOWN_BUSY = 5;
    private static final long NEVER = Long.MAX_VALUE;

    private @Nullable String reason;

    /** Fresh paths that were refused alone since the last real delivery. */
    private int freshRefused;

    private int busyInARow;

    /** Groups with a lower number were in flight when the destination was last found busy. */
    private long busyCountsFrom;

    /** Groups from this number on started after the refusal of a batch of fresh paths. */
    private long troubleFrom = NEVER;

    /** Why the destination is considered down; null while it is not. */
    @Nullable String reason() {
        return reason;
    }

    boolean isDown() {
        return reason != null;
    }

    void begin(String cause) {
        reason = cause;
    }

    void end() {
        reason = null;
    }

    /** Whether a batch of fresh paths was refused since the last real delivery. */
    boolean inTrouble() {
        return troubleFrom != NEVER;
    }

    /** Whether a group started in trouble, so that its delivery may end the trouble. */
    boolean startedInTrouble(DeliveryGroup group) {
        return group.number() >= troubleFrom;
    }

    /** Whether fresh paths were refused since the last delivery. */
    boolean isDoubtful() {
        return freshRefused > 0;
    }

    void batchRefused(DeliveryGroup batch, long nextNumber) {
        if (batch.hasFresh() && !inTrouble()) {
            troubleFrom = nextNumber;
        }
    }

    /** Records that a path was refused alone. After proofs it takes twice as many paths. */
    void refusedAlone(Entry entry, boolean proved, String cause) {
        freshRefused += entry.fresh() ? 1 : 0;
        if (freshRefused >= (proved ? 2 * DOWN : DOWN)) {
            reason = cause;
        }
    }

    /** Records that the destination is busy; groups that were in flight together count once. */
    void busy(DeliveryGroup group, long nextNumber, String cause) {
        if (group.number() >= busyCountsFrom) {
            busyCountsFrom = nextNumber;
            busyInARow++;
        }
        if (group.kind() == DeliveryGroup.Kind.TRIAL || busyInARow >= DOWN_BUSY) {
            reason = cause;
        }
    }

    void countAnew() {
        troubleFrom = NEVER;
        freshRefused = 0;
        busyInARow = 0;
    }
}
