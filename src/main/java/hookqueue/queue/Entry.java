package hookqueue.queue;

import hookqueue.base.StorePath;

/**
 * A path in the queue of one lane.
 *
 * @param id the path's row
 * @param inconclusive failures that proved nothing about the path, because no delivery showed that
 *     its destination worked
 * @param failures failures while the destination took other paths; these count towards the limit
 * @param overtaken whether its lane has delivered another path since it last failed
 * @param changedAt when the entry last changed; a verdict counts only while the entry is unchanged
 */
public record Entry(
        long id,
        StorePath path,
        int inconclusive,
        int failures,
        boolean overtaken,
        long changedAt) {
    /** Whether it has never failed on its own. */
    public boolean fresh() {
        return inconclusive == 0 && failures == 0;
    }
}
