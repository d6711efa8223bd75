package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * For clients that wait: whether a path is settled, and which paths a tag has. Read-only. No query
 * reads more rows than its limit, for any number of paths.
 */
public record WaitQueries(Sql sql) {
    /** How many deliveries the configured lanes will still try. */
    public long outstanding() throws SQLException {
        return sql.number("SELECT sum(fresh + deferred) FROM lane WHERE configured").orElse(0L);
    }

    /** Whether a configured lane will still try the path with this row. */
    public boolean outstanding(long path) throws SQLException {
        String outstanding =
                "SELECT 1 FROM delivery d JOIN lane l ON l.id = d.lane"
                        + " WHERE d.path = ? AND l.configured AND d.state IN (?, ?) LIMIT 1";
        return sql.exists(outstanding, path, State.FRESH, State.DEFERRED);
    }

    /** The row of a path that is queued, or settled and remembered. */
    public Optional<Long> id(StorePath path) throws SQLException {
        return sql.number("SELECT id FROM path WHERE name = ?", path.baseName());
    }

    /** The remaining deliveries of the path with this row, in every lane. */
    public List<DeliveryRow> standing(long path) throws SQLException {
        return ReportQueries.rows(sql, "WHERE d.path = ? ORDER BY d.lane", path);
    }

    public boolean knownTag(String tag) throws SQLException {
        return sql.exists("SELECT 1 FROM tag WHERE tag = ? LIMIT 1", tag);
    }

    /** Rows of the paths of a tag, ascending, after a row. */
    public List<Long> tagged(String tag, long after, int limit) throws SQLException {
        String rows = "SELECT path FROM tag WHERE tag = ? AND path > ? ORDER BY path LIMIT ?";
        return sql.query(row -> row.getLong(1), rows, tag, after, limit);
    }

    /**
     * Rows of unsettled paths that were restored from their roots after a loss, ascending, after a
     * row: any of them may have had any tag.
     */
    public List<Long> untagged(long after, int limit) throws SQLException {
        String rows =
                "SELECT DISTINCT path FROM delivery WHERE path > ? AND path <= coalesce("
                        + "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?), 0) ORDER BY path LIMIT ?";
        return sql.query(row -> row.getLong(1), rows, after, Meta.UNTAGGED, limit);
    }

    /** The failed rows of the configured lanes, at most {@code limit}. */
    public List<DeliveryRow> failed(int limit) throws SQLException {
        String failed =
                ReportQueries.OF_ANY_LANE
                        + "AND d.state = ? AND l.configured ORDER BY d.path LIMIT ?";
        return ReportQueries.rows(sql, failed, State.FAILED, limit);
    }

    /** Whether the settings have a destination; signing does not count. */
    public boolean anyDestination() throws SQLException {
        return sql.exists("SELECT 1 FROM lane WHERE configured AND name <> ?", LaneStore.SIGN);
    }

    /** Whether any path waits for a removed destination. */
    public boolean anyStranded() throws SQLException {
        return sql.exists(
                "SELECT 1 FROM lane WHERE NOT configured AND held + fresh + deferred + failed > 0");
    }
}
