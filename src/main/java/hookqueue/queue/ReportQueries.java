package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Counts and lists for reports, and the state of a path for {@code explain}, and remembered
 * deliveries for {@code history}. Read-only. Triggers maintain the counters, so only the lists grow
 * with the queue, and they have a limit.
 */
public record ReportQueries(Sql sql) {
    private static final String ROW =
            "SELECT p.id, p.name, l.name, l.configured, d.state, p.queued_at, d.due_at,"
                    + " d.tries, d.attempts, d.reason FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane ";

    /** Lets a search by state use the index, which begins with the lane. */
    static final String OF_ANY_LANE = "WHERE d.lane IN (SELECT id FROM lane) ";

    private static final String DELIVERY =
            "SELECT r.at, l.id, p.id, l.name, p.name FROM delivered r"
                    + " JOIN path p ON p.id = r.path JOIN lane l ON l.id = r.lane ";

    /** All lanes: the configured ones first, {@code sign} before the others. */
    public List<LaneCounts> lanes() throws SQLException {
        return sql.query(
                row ->
                        new LaneCounts(
                                row.getString(1),
                                row.getBoolean(2),
                                row.getLong(3),
                                row.getLong(4),
                                row.getLong(5),
                                row.getLong(6),
                                row.getLong(7),
                                row.getLong(8),
                                row.getLong(9),
                                new Pace(row.getDouble(10), row.getDouble(11)),
                                new Breaker(
                                        row.getInt(12),
                                        row.getLong(13),
                                        row.getLong(14),
                                        row.getString(15))),
                "SELECT name, configured, held, fresh, deferred, failed, delivered, bytes, last_delivery,"
                        + " recent_paths, recent_millis,"
                        + " breaker_failures, breaker_until, breaker_since, breaker_reason FROM lane"
                        + " WHERE configured OR held + fresh + deferred + failed > 0"
                        + " ORDER BY configured DESC, name <> 'sign', id");
    }

    public List<LaneTotal> totals() throws SQLException {
        return LaneTotals.all(sql, lanes());
    }

    /** When the oldest path was queued that a configured lane still has to deliver. */
    public Optional<Long> oldest() throws SQLException {
        return sql.number(
                "SELECT p.queued_at FROM lane l JOIN path p ON p.id IN ("
                        + "(SELECT path FROM delivery WHERE lane = l.id AND state = ? ORDER BY due_at, path LIMIT 1),"
                        + " (SELECT min(path) FROM delivery WHERE lane = l.id AND state = ?))"
                        + " WHERE l.configured ORDER BY p.queued_at LIMIT 1",
                State.FRESH,
                State.DEFERRED);
    }

    /**
     * Unsettled paths in every lane, in the order of arrival, after the path {@code after}. Never
     * splits the rows of a path.
     */
    public List<DeliveryRow> list(long after, int paths) throws SQLException {
        String page =
                "WHERE d.path IN (SELECT DISTINCT path FROM delivery WHERE path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane";
        return rows(sql, page, after, paths);
    }

    /** Failed paths, like {@link #list}. */
    public List<DeliveryRow> failed(long after, int paths) throws SQLException {
        String failed =
                OF_ANY_LANE
                        + "AND d.state = ? AND d.path IN (SELECT DISTINCT path FROM delivery"
                        + " WHERE lane IN (SELECT id FROM lane) AND state = ? AND path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane";
        return rows(sql, failed, State.FAILED, State.FAILED, after, paths);
    }

    /** The state of one path, one row for each lane; empty if it is settled or unknown. */
    public List<DeliveryRow> standing(StorePath path) throws SQLException {
        return rows(sql, "WHERE p.name = ? ORDER BY d.lane", path.baseName());
    }

    /** When a path was settled; empty if it is not remembered. */
    public Optional<Long> settledAt(StorePath path) throws SQLException {
        return sql.number(
                "SELECT settled_at FROM path WHERE name = ? AND settled_at IS NOT NULL",
                path.baseName());
    }

    /**
     * A delivery. Its position in the order of time is {@code at}, in milliseconds since the epoch,
     * and then the rows of the lane and of the path.
     */
    public record Delivery(long at, long lane, long id, String destination, StorePath path) {
        private static Delivery of(ResultSet row) throws SQLException {
            return new Delivery(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getString(4),
                    storePath(row.getString(5)));
        }
    }

    /** The deliveries after this position in the order of time; three zeros for the beginning. */
    public List<Delivery> deliveries(long at, long lane, long id, int limit) throws SQLException {
        String rows =
                DELIVERY
                        + "WHERE (r.at, r.lane, r.path) > (?, ?, ?)"
                        + " ORDER BY r.at, r.lane, r.path LIMIT ?";
        return sql.query(Delivery::of, rows, at, lane, id, limit);
    }

    /** The deliveries of one path, at most one for each destination. */
    public List<Delivery> deliveries(StorePath path) throws SQLException {
        return sql.query(
                Delivery::of, DELIVERY + "WHERE p.name = ? ORDER BY r.at, r.lane", path.baseName());
    }

    /**
     * @throws SQLException damage, if the name is no store path's: the queue stores no others
     */
    static StorePath storePath(String name) throws SQLException {
        try {
            return new StorePath(name);
        } catch (IllegalArgumentException e) {
            throw new Damage.Unseen("a row's name is " + e.getMessage());
        }
    }

    static List<DeliveryRow> rows(Sql sql, String where, Object... parameters) throws SQLException {
        return sql.query(
                row ->
                        new DeliveryRow(
                                row.getLong(1),
                                storePath(row.getString(2)),
                                row.getString(3),
                                row.getBoolean(4),
                                State.of(row.getInt(5)),
                                row.getLong(6),
                                row.getLong(7),
                                row.getInt(8),
                                row.getInt(9),
                                row.getString(10)),
                ROW + where,
                parameters);
    }
}
