package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.ResultSet;
import java.sql.SQLException;

/** A path with its row. */
record Queued(long id, StorePath path) {
    static Queued of(ResultSet row) throws SQLException {
        return new Queued(row.getLong(1), ReportQueries.storePath(row.getString(2)));
    }
}
