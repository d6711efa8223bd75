package hookqueue.queue;

import hookqueue.base.StorePath;

/**
 * A path that one lane is to deliver.
 *
 * @param id the path's row
 * @param path what to deliver
 * @param inconclusive failures so far that proved nothing about the path, because nothing showed
 *     that its destination worked
 * @param failures failures so far while the destination took other paths; these count towards the
 *     limit
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
    /** An entry of no database, for a policy. */
    public Entry(long id, StorePath path, int inconclusive, int failures, boolean overtaken) {
        this(id, path, inconclusive, failures, overtaken, 0);
    }

    /** Whether it has never failed on its own. */
    public boolean fresh() {
        return inconclusive == 0 && failures == 0;
    }
}
