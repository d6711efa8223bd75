package hookqueue.delivery;

/**
 * How many child processes a destination gets at a time: half as many whenever it says that it is
 * busy, one more with every batch that it takes (additive increase, multiplicative decrease). Pure.
 */
final class SlotLimit {
    private final int most;
    private int now;

    /** Batches with a lower number were under way when the limit was halved last. */
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
     * The destination was too busy for a batch. Several that were under way together count once.
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
