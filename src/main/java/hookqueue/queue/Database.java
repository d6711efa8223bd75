package hookqueue.queue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.JDBC;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Opens the database file and checks it.
 *
 * <p>Write-ahead log with {@code synchronous=FULL}: a commit returns after the sync to the disk.
 * {@code locking_mode=EXCLUSIVE}: a second worker on the same state directory cannot open the
 * database, and SQLite needs no shared memory.
 */
final class Database {
    private static final Logger LOG = LoggerFactory.getLogger(Database.class);
    static final String FILE = "queue.sqlite";

    private Database() {}

    /**
     * An open database, not in auto-commit mode.
     *
     * @param clean whether the last worker closed it: then the roots certainly match the rows
     */
    record Opened(Connection connection, boolean clean) {}

    /** Opens and closes a database in memory. */
    static void prepare() {
        try (Connection connection = connect(Path.of(":memory:"));
                Statement s = connection.createStatement();
                var found = s.executeQuery("SELECT 1")) {
            LOG.trace("SQLite answers: {}", found.next());
        } catch (SQLException e) {
            LOG.debug("SQLite cannot be prepared; opening the queue will say why", e);
        }
    }

    static Connection connect(Path file) throws SQLException {
        var properties = new Properties();
        // otherwise the driver asks for the new row's key after each INSERT
        properties.setProperty("jdbc.get_generated_keys", "false");
        return JDBC.createConnection("jdbc:sqlite:" + file, properties);
    }

    /** Whether another process has the database open. */
    static boolean isInUse(Exception e) {
        return hasCode(e, SQLiteErrorCode.SQLITE_BUSY);
    }

    /** Compares the low byte, which in extended codes holds the plain code. */
    static boolean hasCode(Exception e, SQLiteErrorCode code) {
        return e instanceof SQLiteException s && (s.getResultCode().code & 0xff) == code.code;
    }

    /**
     * @throws SQLException if the database is damaged or in use, the disk is full, or access is
     *     denied
     */
    static Opened open(Path folder, Consumer<String> progress) throws SQLException {
        Path file = folder.resolve(FILE);
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new SQLiteException("a directory in its place", SQLiteErrorCode.SQLITE_NOTADB);
        }
        Connection connection = connect(file);
        try {
            try (Statement s = connection.createStatement()) {
                s.execute("PRAGMA locking_mode = EXCLUSIVE");
                s.execute("PRAGMA journal_mode = WAL");
                s.execute("PRAGMA synchronous = FULL");
                s.execute("PRAGMA temp_store = MEMORY");
                boolean isNew = !exists(s, "SELECT 1 FROM sqlite_schema LIMIT 1");
                connection.setAutoCommit(false);
                Schema.apply(s);
                boolean clean = exists(s, "SELECT 1 FROM meta WHERE key = 'clean' AND value = '1'");
                if (!clean && !isNew) {
                    progress.accept("checking the database, which was not closed");
                    check(s);
                }
                s.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('clean', '0')");
                connection.commit();
                return new Opened(connection, clean);
            }
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    private static boolean exists(Statement s, String query) throws SQLException {
        try (var found = s.executeQuery(query)) {
            return found.next();
        }
    }

    /**
     * Checks tables and indexes. quick_check does not compare them: after a bit flip in a name the
     * row would belong to another path, and the real path would seem queued and never be delivered.
     * The check takes some 0.3 s for 100,000 paths, and runs only after a worker that did not end
     * cleanly.
     */
    static void check(Statement s) throws SQLException {
        try (var found = s.executeQuery("PRAGMA integrity_check(1)")) {
            String answer = found.next() ? found.getString(1) : "no answer";
            if (!answer.equals("ok")) {
                throw new SQLiteException(
                        "integrity_check: " + answer, SQLiteErrorCode.SQLITE_CORRUPT);
            }
        }
    }
}
