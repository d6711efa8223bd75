package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** The paths that need a root, for {@link RootReconciliation}. */
record RootStore(Sql sql, Effects.Collector effects) {
    /** Requests the roots of a page of unsettled paths. Returns its last row, 0 at the end. */
    long rootSome(long after, int limit) throws SQLException {
        String unsettled =
                "SELECT id, name FROM path WHERE id > ? AND settled_at IS NULL ORDER BY id LIMIT ?";
        List<Queued> page = sql.query(Queued::of, unsettled, after, limit);
        page.forEach(each -> effects.root(each.path()));
        return page.size() == limit ? page.getLast().id() : 0;
    }

    /**
     * Whether a path is settled; empty if it is unknown. Throws damage if the index points to the
     * row of another path: a bit flip in either of them is no error to SQLite.
     */
    Optional<Boolean> isSettled(StorePath path) throws SQLException {
        record Found(boolean agrees, boolean settled) {}
        Optional<Found> found =
                sql.first(
                        row -> new Found(row.getBoolean(1), row.getBoolean(2)),
                        "SELECT name = ?1, settled_at IS NOT NULL FROM path NOT INDEXED"
                                + " WHERE id = (SELECT id FROM path WHERE name = ?1)",
                        path.baseName());
        if (found.isPresent() && !found.get().agrees()) {
            throw new Damage.Unseen("a row has another path's name than the index: " + path);
        }
        return found.map(Found::settled);
    }
}
