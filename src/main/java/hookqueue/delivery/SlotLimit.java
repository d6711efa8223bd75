package hookqueue.delivery;

/**
 * How many child processes a destination gets at a time: half as many whenever it reports that it
 * is busy, one more after some rounds of delivered batches (additive increase, multiplicative
 * decrease). Pure.
 *
 * <p>A round is one delivered batch for each permitted child process. The number of rounds doubles
 * with every report, so that many builders, which share a busy destination, seldom ask for more
 * than it can take. It is one again as soon as all child processes are permitted.
 */
final class SlotLimit {
    private static final int MOST_ROUNDS = 8;

    private final int most;
    private int now;
    private int rounds = 1;

    /** Delivered batches since the limit last changed. */
    private int deliveries;

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

    /** Records a delivered batch. */
    void delivered() {
        if (now == most || ++deliveries < rounds * now) {
            return;
        }
        deliveries = 0;
        now++;
        if (now == most) {
            rounds = 1;
        }
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
        deliveries = 0;
        now = Math.max(1, now / 2);
        rounds = Math.min(MOST_ROUNDS, 2 * rounds);
        return true;
    }
}
