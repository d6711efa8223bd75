package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Brings the database and the roots to agree, in steps of a page each, since either may be larger
 * than memory. Every unsettled path is to have a root. A root whose path the database does not know
 * stands for a row that was lost, or a hook has made it and is about to spool: that path is queued.
 */
final class Reconciliation {
    private Reconciliation() {}

    /**
     * Has the roots made of some unsettled paths, those after the row {@code after}; returns the
     * last row of them, 0 when there are no more.
     */
    static long root(Ledger ledger, long after, int limit) throws SQLException {
        List<Entry> page = ledger.unsettledAfter(after, limit);
        for (Entry entry : page) {
            ledger.rootChanges.add(new Roots.Change(entry.path(), true));
        }
        return page.size() == limit ? page.getLast().id() : 0;
    }

    /**
     * Queues those of some rooted paths that the database does not know; returns how many.
     *
     * @param unrootSettled whether to have the roots removed of those that are settled
     * @throws SQLException for damage, too: a path's row has another name than the index
     */
    static int queueStrangers(
            Ledger ledger,
            List<StorePath> rooted,
            Selection selection,
            boolean unrootSettled,
            long now)
            throws SQLException {
        var strange = new ArrayList<StorePath>();
        for (StorePath path : rooted) {
            Optional<Boolean> settled = ledger.isSettled(path);
            if (settled.isEmpty() && selection.test(path)) {
                strange.add(path);
            } else if (unrootSettled && settled.orElse(true)) {
                ledger.rootChanges.add(new Roots.Change(path, false));
            }
        }
        if (!strange.isEmpty()) {
            ledger.enqueue(strange, null, now);
            ledger.tagsAreLost();
        }
        return strange.size();
    }
}
