package hookqueue.queue;

import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** For clients that wait: how much is not settled yet, and what has failed. Changes nothing. */
public final class WaitQueries {
    /** The paths that came back from their roots without their tags. */
    private static final String UNTAGGED =
            "WHERE d.path <= coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = '"
                    + Meta.UNTAGGED
                    + "'), 0) AND l.configured";

    private final Sql sql;

    WaitQueries(Sql sql) {
        this.sql = sql;
    }

    /** How many paths the configured lanes will still try: of a tag, or all when null. */
    public long outstanding(@Nullable String tag) throws SQLException {
        if (tag == null) {
            return count("SELECT sum(fresh + deferred) FROM lane WHERE configured");
        }
        return count(
                "SELECT count(DISTINCT t.path) FROM tag t JOIN delivery d ON d.path = t.path"
                        + " JOIN lane l ON l.id = d.lane WHERE t.tag = ? AND l.configured AND d.state IN (?, ?)",
                tag,
                State.FRESH,
                State.DEFERRED);
    }

    /** Whether anything was ever queued under a tag, as far as it is remembered. */
    public boolean knownTag(String tag) throws SQLException {
        return sql.exists("SELECT 1 FROM tag WHERE tag = ? LIMIT 1", tag);
    }

    /** The failed paths of a tag, or all when null; at most {@code limit}. */
    public List<DeliveryRow> failed(@Nullable String tag, int limit) throws SQLException {
        if (tag == null) {
            return sql.query(
                    ReportQueries::row,
                    ReportQueries.ROW
                            + ReportQueries.OF_ANY_LANE
                            + "AND d.state = ? AND l.configured ORDER BY d.path LIMIT ?",
                    State.FAILED,
                    limit);
        }
        return sql.query(
                ReportQueries::row,
                ReportQueries.ROW
                        + "JOIN tag t ON t.path = d.path WHERE t.tag = ? AND d.state = ? AND l.configured"
                        + " ORDER BY d.path LIMIT ?",
                tag,
                State.FAILED,
                limit);
    }

    /**
     * As {@link #outstanding}, of the paths that have come back from their roots after a loss: any
     * of them may have had any tag.
     */
    public long outstandingUntagged() throws SQLException {
        return count(
                "SELECT count(DISTINCT d.path) FROM delivery d JOIN lane l ON l.id = d.lane "
                        + UNTAGGED
                        + " AND d.state IN (?, ?)",
                State.FRESH,
                State.DEFERRED);
    }

    /** As {@link #failed}, of those paths. */
    public List<DeliveryRow> failedUntagged(int limit) throws SQLException {
        return sql.query(
                ReportQueries::row,
                ReportQueries.ROW + UNTAGGED + " AND d.state = ? ORDER BY d.path LIMIT ?",
                State.FAILED,
                limit);
    }

    private long count(String query, Object... parameters) throws SQLException {
        return sql.first(row -> row.getLong(1), query, parameters).orElse(0L);
    }
}
