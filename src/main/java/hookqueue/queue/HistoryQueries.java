package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Remembered deliveries, for {@code history}. Read-only; every list has a limit. */
public record HistoryQueries(Sql sql) {
    private static final String ROW =
            "SELECT r.at, l.id, p.id, l.name, p.name FROM delivered r"
                    + " JOIN path p ON p.id = r.path JOIN lane l ON l.id = r.lane ";

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
                    ReportQueries.storePath(row.getString(5)));
        }
    }

    /** The deliveries after this position in the order of time; three zeros for the beginning. */
    public List<Delivery> after(long at, long lane, long id, int limit) throws SQLException {
        String rows =
                ROW
                        + "WHERE (r.at, r.lane, r.path) > (?, ?, ?)"
                        + " ORDER BY r.at, r.lane, r.path LIMIT ?";
        return sql.query(Delivery::of, rows, at, lane, id, limit);
    }

    /** The deliveries of one path, at most one for each destination. */
    public List<Delivery> of(StorePath path) throws SQLException {
        return sql.query(
                Delivery::of, ROW + "WHERE p.name = ? ORDER BY r.at, r.lane", path.baseName());
    }
}
