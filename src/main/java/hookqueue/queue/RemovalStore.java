package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Drops paths for an operator, and expires failed ones. A path is settled, and loses its root, when
 * its last delivery is deleted.
 */
public record RemovalStore(Sql sql, Effects.Collector effects) {
    /** The paths of a parameter such as "[1, 2]". Few statements serve a batch of any size. */
    static final String EACH = "(SELECT value FROM json_each(?))";

    /** Forgets a path in every lane, including removed ones; false if it is not queued. */
    public boolean drop(StorePath path, long now) throws SQLException {
        Optional<Long> id = PathStore.unsettled(sql, path);
        if (id.isEmpty()) {
            return false;
        }
        sql.update("DELETE FROM delivery WHERE path = ?", id.get());
        settleDone("[" + id.get() + "]", now);
        effects.changed();
        return true;
    }

    /**
     * Forgets the deliveries to a destination, configured or removed.
     *
     * @return how many, at most {@code limit}; empty if the database never had such a destination
     */
    public Optional<Integer> dropLane(String name, int limit, long now) throws SQLException {
        Optional<Long> lane = sql.number("SELECT id FROM lane WHERE name = ?", name);
        if (lane.isEmpty()) {
            return Optional.empty();
        }
        String queued = "SELECT path FROM delivery WHERE lane = ? LIMIT ?";
        List<Long> some = sql.query(row -> row.getLong(1), queued, lane.get(), limit);
        if (!some.isEmpty()) {
            String paths = some.toString();
            sql.update(
                    "DELETE FROM delivery WHERE lane = ? AND path IN " + EACH, lane.get(), paths);
            settleDone(paths, now);
            effects.changed();
        }
        return Optional.of(some.size());
    }

    /**
     * Drops failed rows older than {@code failedBefore} and returns them, at most {@code limit}.
     */
    public List<DeliveryRow> expire(long failedBefore, int limit, long now) throws SQLException {
        String failed = ReportQueries.OF_ANY_LANE + "AND d.state = ? AND d.changed_at < ? LIMIT ?";
        List<DeliveryRow> expired =
                ReportQueries.rows(sql, failed, State.FAILED, failedBefore, limit);
        for (DeliveryRow row : expired) {
            String delete =
                    "DELETE FROM delivery WHERE path = ? AND lane = (SELECT id FROM lane WHERE name = ?)";
            sql.update(delete, row.id(), row.lane());
            if (row.lane().equals(LaneStore.SIGN)) {
                // Without a signature the other lanes would never be released.
                sql.update(
                        "DELETE FROM delivery WHERE path = ? AND state = ?", row.id(), State.HELD);
            }
        }
        if (!expired.isEmpty()) {
            settleDone(expired.stream().map(DeliveryRow::id).toList().toString(), now);
            effects.changed();
        }
        return expired;
    }

    /** Settles those of the paths that have no delivery any more. */
    void settleDone(String paths, long now) throws SQLException {
        String done =
                " WHERE id IN " + EACH + " AND NOT EXISTS (SELECT 1 FROM delivery WHERE path = id)";
        List<Queued> settled = sql.query(Queued::of, "SELECT id, name FROM path" + done, paths);
        if (!settled.isEmpty()) {
            sql.update("UPDATE path SET settled_at = ?" + done, now, paths);
            settled.forEach(each -> effects.unroot(each.path()));
        }
    }
}
