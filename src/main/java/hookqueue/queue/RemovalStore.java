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
    /** Forgets a path in every lane, including removed ones; false if it is not queued. */
    public boolean drop(StorePath path, long now) throws SQLException {
        Optional<Long> id = PathStore.unsettled(sql, path);
        if (id.isEmpty()) {
            return false;
        }
        sql.update("DELETE FROM delivery WHERE path = ?", id.get());
        settleIfDone(id.get(), path, now);
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
        List<Queued> some =
                sql.query(
                        Queued::of,
                        "SELECT p.id, p.name FROM delivery d JOIN path p ON p.id = d.path WHERE d.lane = ? LIMIT ?",
                        lane.get(),
                        limit);
        for (Queued each : some) {
            sql.update("DELETE FROM delivery WHERE path = ? AND lane = ?", each.id(), lane.get());
            settleIfDone(each.id(), each.path(), now);
            effects.changed();
        }
        return Optional.of(some.size());
    }

    /**
     * Drops failed rows older than {@code failedBefore} and returns them, at most {@code limit}.
     */
    public List<DeliveryRow> expire(long failedBefore, int limit, long now) throws SQLException {
        String failed =
                ReportQueries.ROW
                        + ReportQueries.OF_ANY_LANE
                        + "AND d.state = ? AND d.changed_at < ? LIMIT ?";
        List<DeliveryRow> expired =
                sql.query(ReportQueries::row, failed, State.FAILED, failedBefore, limit);
        for (DeliveryRow row : expired) {
            sql.update(
                    "DELETE FROM delivery WHERE path = ? AND lane = (SELECT id FROM lane WHERE name = ?)",
                    row.id(),
                    row.lane());
            if (row.lane().equals(LaneStore.SIGN)) {
                // Without a signature the other lanes would never be released.
                sql.update(
                        "DELETE FROM delivery WHERE path = ? AND state = ?", row.id(), State.HELD);
            }
            settleIfDone(row.id(), row.path(), now);
            effects.changed();
        }
        return expired;
    }

    void settleIfDone(long id, StorePath path, long now) throws SQLException {
        if (!sql.exists("SELECT 1 FROM delivery WHERE path = ? LIMIT 1", id)) {
            sql.update("UPDATE path SET settled_at = ? WHERE id = ?", now, id);
            effects.unroot(path);
        }
    }
}
