package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the queue: counted and listed for reports, and looked up for whoever waits for a
 * path or asks about one. Changes nothing. The counters are kept by triggers, so nothing here grows
 * with the queue but the lists, which have a limit.
 */
abstract sealed class ReportQueries permits LaneStore {
    /** The lane that signs; the others are held until it has. */
    public static final String SIGN = "sign";

    static final int HELD = State.HELD.stored();
    static final int FRESH = State.FRESH.stored();
    static final int DEFERRED = State.DEFERRED.stored();
    static final int FAILED = State.FAILED.stored();

    static final String ROW =
            "SELECT p.id, p.name, l.name, l.configured, d.state, p.queued_at, d.due_at,"
                    + " d.tries, d.attempts, d.reason FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane ";

    /** Lets a search by state use the index, which begins with the lane. */
    static final String OF_ANY_LANE = "WHERE d.lane IN (SELECT id FROM lane) ";

    /** The key of the row of {@code meta} that says up to which path they have come back so. */
    static final String UNTAGGED = "untagged_up_to";

    private static final String AMONG_UNTAGGED =
            " d.path <= coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = '"
                    + UNTAGGED
                    + "'), 0) AND l.configured";

    final Sql sql;

    ReportQueries(Connection connection) {
        this.sql = new Sql(connection);
    }

    /** Every lane, those in force first, {@code sign} before the others. */
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

    /** What the lanes that {@link #lanes} names have done, in that order. */
    public List<LaneTotal> tallies() throws SQLException {
        return LaneTotals.all(sql, lanes());
    }

    /** When the first of the paths was queued that are still to be delivered to a lane in force. */
    public Optional<Long> oldest() throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT p.queued_at FROM lane l JOIN path p ON p.id IN ("
                        + "(SELECT path FROM delivery WHERE lane = l.id AND state = ? ORDER BY due_at, path LIMIT 1),"
                        + " (SELECT min(path) FROM delivery WHERE lane = l.id AND state = ?))"
                        + " WHERE l.configured ORDER BY p.queued_at LIMIT 1",
                FRESH,
                DEFERRED);
    }

    /**
     * Unsettled paths in every lane, in the order of arrival, after the path {@code after}; whole
     * paths only.
     */
    public List<DeliveryRow> list(long after, int paths) throws SQLException {
        return sql.query(
                ReportQueries::row,
                ROW
                        + "WHERE d.path IN (SELECT DISTINCT path FROM delivery WHERE path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane",
                after,
                paths);
    }

    /** Failed paths, as {@link #list}. */
    public List<DeliveryRow> failed(long after, int paths) throws SQLException {
        return sql.query(
                ReportQueries::row,
                ROW
                        + OF_ANY_LANE
                        + "AND d.state = ? AND d.path IN (SELECT DISTINCT path FROM delivery"
                        + " WHERE lane IN (SELECT id FROM lane) AND state = ? AND path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane",
                FAILED,
                FAILED,
                after,
                paths);
    }

    /** Where one path stands, a row a lane; empty when it has nothing left to do. */
    public List<DeliveryRow> standing(StorePath path) throws SQLException {
        return sql.query(
                ReportQueries::row, ROW + "WHERE p.name = ? ORDER BY d.lane", path.baseName());
    }

    /** When a path was settled, if it is still remembered. */
    public Optional<Long> settledAt(StorePath path) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT settled_at FROM path WHERE name = ? AND settled_at IS NOT NULL",
                path.baseName());
    }

    /** Whether a path is queued, or has been settled and is remembered. */
    public boolean known(StorePath path) throws SQLException {
        return sql.exists("SELECT 1 FROM path WHERE name = ?", path.baseName());
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
            throw Database.damage("a row has another path's name than the index: " + path);
        }
        return found.map(Found::settled);
    }

    /** How many paths in force are not settled: of a tag, or all when null. */
    public long outstanding(@Nullable String tag) throws SQLException {
        if (tag == null) {
            return sql.first(
                            row -> row.getLong(1),
                            "SELECT sum(fresh + deferred) FROM lane WHERE configured")
                    .orElse(0L);
        }
        return sql.first(
                        row -> row.getLong(1),
                        "SELECT count(DISTINCT t.path) FROM tag t JOIN delivery d ON d.path = t.path"
                                + " JOIN lane l ON l.id = d.lane WHERE t.tag = ? AND l.configured AND d.state IN (?, ?)",
                        tag,
                        FRESH,
                        DEFERRED)
                .orElse(0L);
    }

    /** Whether anything was ever queued under a tag, as far as it is remembered. */
    public boolean knownTag(String tag) throws SQLException {
        return sql.exists("SELECT 1 FROM tag WHERE tag = ? LIMIT 1", tag);
    }

    /** The failed paths of a tag, or all when null; at most {@code limit}. */
    public List<DeliveryRow> failedOf(@Nullable String tag, int limit) throws SQLException {
        if (tag == null) {
            return sql.query(
                    ReportQueries::row,
                    ROW + OF_ANY_LANE + "AND d.state = ? AND l.configured ORDER BY d.path LIMIT ?",
                    FAILED,
                    limit);
        }
        return sql.query(
                ReportQueries::row,
                ROW
                        + "JOIN tag t ON t.path = d.path WHERE t.tag = ? AND d.state = ? AND l.configured"
                        + " ORDER BY d.path LIMIT ?",
                tag,
                FAILED,
                limit);
    }

    /**
     * As {@link #outstanding}, of the paths that have come back from their roots after a loss: any
     * of them may have had any tag.
     */
    public long outstandingUntagged() throws SQLException {
        return sql.first(
                        row -> row.getLong(1),
                        "SELECT count(DISTINCT d.path) FROM delivery d JOIN lane l ON l.id = d.lane WHERE"
                                + AMONG_UNTAGGED
                                + " AND d.state IN (?, ?)",
                        FRESH,
                        DEFERRED)
                .orElse(0L);
    }

    /** As {@link #failedOf}, of those paths. */
    public List<DeliveryRow> failedUntagged(int limit) throws SQLException {
        return sql.query(
                ReportQueries::row,
                ROW + "WHERE" + AMONG_UNTAGGED + " AND d.state = ? ORDER BY d.path LIMIT ?",
                FAILED,
                limit);
    }

    /** Whether no new batch is to start. */
    public boolean paused(long now) throws SQLException {
        return pause(now).isPresent();
    }

    /** That no new batch is to start; empty when none is in force. */
    public Optional<Pause> pause(long now) throws SQLException {
        return sql.first(
                        row -> new Pause(row.getLong(1), row.getLong(2)),
                        "SELECT value, coalesce((SELECT value FROM meta WHERE key = 'paused_until'), '0')"
                                + " FROM meta WHERE key = 'paused' AND value <> '0'")
                .filter(pause -> pause.lasts(now));
    }

    /** Unsettled paths after a row, for checking the roots against them. */
    List<Entry> unsettledAfter(long id, int limit) throws SQLException {
        return sql.query(
                row -> new Entry(row.getLong(1), storePath(row.getString(2)), 0, 0),
                "SELECT id, name FROM path WHERE id > ? AND settled_at IS NULL ORDER BY id LIMIT ?",
                id,
                limit);
    }

    boolean isUnsettled(StorePath path) throws SQLException {
        return unsettled(path).isPresent();
    }

    Optional<Long> unsettled(StorePath path) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT id FROM path WHERE name = ? AND settled_at IS NULL",
                path.baseName());
    }

    /**
     * The path of a name in the database.
     *
     * @throws SQLException damage, when it is no store path's: only such have been put there
     */
    static StorePath storePath(String name) throws SQLException {
        try {
            return new StorePath(name);
        } catch (IllegalArgumentException e) {
            throw Database.damage("a row's name is " + e.getMessage());
        }
    }

    static DeliveryRow row(ResultSet row) throws SQLException {
        return new DeliveryRow(
                row.getLong(1),
                storePath(row.getString(2)),
                row.getString(3),
                row.getBoolean(4),
                State.of(row.getInt(5)),
                row.getLong(6),
                row.getLong(7),
                row.getInt(8),
                row.getInt(9),
                row.getString(10));
    }
}
