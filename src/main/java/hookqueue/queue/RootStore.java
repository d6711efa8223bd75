package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** For {@link RootReconciliation}: which paths need a root. */
final class RootStore {
    private final Sql sql;
    private final Effects.Collector effects;

    RootStore(Sql sql, Effects.Collector effects) {
        this.sql = sql;
        this.effects = effects;
    }

    /** Has roots made of a page of unsettled paths; returns its last row, 0 for no more. */
    long rootSome(long after, int limit) throws SQLException {
        List<Queued> page =
                sql.query(
                        Queued::of,
                        "SELECT id, name FROM path WHERE id > ? AND settled_at IS NULL ORDER BY id LIMIT ?",
                        after,
                        limit);
        page.forEach(each -> effects.root(each.path()));
        return page.size() == limit ? page.getLast().id() : 0;
    }

    /**
     * Whether a path is settled; empty when it is not known.
     *
     * @throws SQLException when the row that the index has for it is another path's: a bit that has
     *     flipped in one of the two is no error to SQLite
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
            throw Damage.unseen("a row has another path's name than the index: " + path);
        }
        return found.map(Found::settled);
    }
}
