package hookqueue.delivery;

/**
 * How many child processes a destination gets at a time: half as many whenever it reports that it
 * is busy, one more with every delivered batch (additive increase, multiplicative decrease). Pure.
 */
final class SlotLimit {
    private final int most;
    private int now;

    /** Batches with a lower number were in flight when the limit was last halved. */
    private long countsFrom;

    /**
     * @param most {@code NPBHQ_PARALLEL}
     */
    SlotLimit(int most) {
        this.most = most;
        this.now = most;
    }

    int now() {
        return now;
    }

    void delivered() {
        now = Math.min(most, now + 1);
    }

    /**
     * Records that the destination was too busy for a batch. Several batches in flight at that time
     * count once.
     *
     * @param batch its number
     * @param next the number of the next batch that starts
     * @return whether it counts
     */
    boolean busy(long batch, long next) {
        if (batch < countsFrom) {
            return false;
        }
        countsFrom = next;
        now = Math.max(1, now / 2);
        return true;
    }
}
