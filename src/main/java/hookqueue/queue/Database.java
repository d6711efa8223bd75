package hookqueue.queue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.JDBC;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Opens the database file, and sets a damaged one aside.
 *
 * <p>Write-ahead log with {@code synchronous=FULL}: what is committed has been synced to the disk.
 * {@code locking_mode=EXCLUSIVE}: a second worker on the same state directory cannot open it, and
 * no shared memory is needed.
 */
final class Database {
    private static final Logger LOG = LoggerFactory.getLogger(Database.class);
    private static final String FILE = "queue.sqlite";
    private static final String ASIDE = FILE + ".damaged-";

    /** Nothing else is shown to operators: they will hand the name to a shell. */
    private static final Pattern SET_ASIDE = Pattern.compile(Pattern.quote(ASIDE) + "[0-9TZ.-]+");

    private final Path folder;

    Database(Path folder) {
        this.folder = folder;
    }

    /**
     * An open database.
     *
     * @param connection not in auto-commit mode
     * @param clean whether the last worker closed it; only then are the roots known to agree with
     *     it
     * @param begun whether it is a new one
     */
    record Opened(Connection connection, boolean clean, boolean begun) {}

    /**
     * @param progress told before a check that may take long
     * @throws SQLException when it cannot be used: damaged, no room, no right, in use
     * @throws IOException when the folder cannot be written
     */
    Opened open(Consumer<String> progress) throws SQLException, IOException {
        if (Files.isDirectory(file(), LinkOption.NOFOLLOW_LINKS)) {
            throw new SQLiteException("a directory in its place", SQLiteErrorCode.SQLITE_NOTADB);
        }
        return attempt(progress);
    }

    /** Opens a database in memory, and closes it again. */
    static void prepare() {
        try (Connection connection = connect(":memory:");
                Statement s = connection.createStatement();
                var found = s.executeQuery("SELECT 1")) {
            LOG.trace("SQLite answers: {}", found.next());
        } catch (SQLException e) {
            LOG.debug("SQLite cannot be prepared; opening the queue will say why", e);
        }
    }

    /**
     * The driver makes a date format for the default time zone, though no date is ever asked of it,
     * and to find that zone the JDK reads the rules of all the world's. So there is a simple one
     * meanwhile; it happens before anything that shows a time.
     */
    private static Connection connect(String file) throws SQLException {
        TimeZone.setDefault(new SimpleTimeZone(0, "UTC"));
        try {
            return JDBC.createConnection("jdbc:sqlite:" + file, new Properties());
        } finally {
            TimeZone.setDefault(null); // the system's again
        }
    }

    /**
     * Whether an error says that the file is not a sound database any more. SQLite says so, too,
     * when the disk does not let it read for a moment (SQLITE_IOERR_CORRUPTFS, which it turns into
     * SQLITE_CORRUPT); {@link #isLost} tells these apart.
     */
    static boolean isDamage(SQLException e) {
        return e instanceof SQLiteException s
                && (hasCode(s, SQLiteErrorCode.SQLITE_CORRUPT)
                        || hasCode(s, SQLiteErrorCode.SQLITE_NOTADB));
    }

    /** For damage that SQLite does not see. */
    static SQLException damage(String what) {
        return new Unseen(what);
    }

    private static final class Unseen extends SQLiteException {
        private static final long serialVersionUID = 1;

        Unseen(String what) {
            super(what, SQLiteErrorCode.SQLITE_CORRUPT);
        }
    }

    /**
     * Whether the file is lost for us, after damage was found and while it is not open: it is no
     * sound database, or cannot be read though the disk works. A disk that only stood still for a
     * moment costs nothing.
     *
     * @throws IOException when the disk does not work: nothing can be said of the file
     */
    boolean isLost(SQLException damage) throws IOException {
        if (damage instanceof Unseen || !Files.isRegularFile(file(), LinkOption.NOFOLLOW_LINKS)) {
            return true;
        }
        try {
            readThrough(file());
            readThrough(folder.resolve(FILE + "-wal"));
        } catch (NoSuchFileException e) {
            LOG.trace("no log", e);
        } catch (IOException e) {
            tryDisk();
            LOG.error("the disk works, but the database cannot be read: {}", e.toString());
            return true;
        }
        try (Connection connection = connect(file().toString());
                Statement s = connection.createStatement()) {
            check(s);
            return false;
        } catch (SQLException e) {
            if (isDamage(e)) {
                return true;
            }
            throw new IOException(e.getMessage(), e);
        }
    }

    private static void readThrough(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
    }

    private void tryDisk() throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        trial(),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(4096));
            channel.force(true);
        }
        Files.delete(trial());
    }

    private Path trial() {
        return folder.resolve(FILE + ".trial");
    }

    /** Whether another process has the database open. */
    static boolean isInUse(Exception e) {
        return e instanceof SQLiteException s && hasCode(s, SQLiteErrorCode.SQLITE_BUSY);
    }

    /** Extended codes have the plain one in their low byte. */
    private static boolean hasCode(SQLiteException e, SQLiteErrorCode code) {
        return (e.getResultCode().code & 0xff) == code.code;
    }

    /**
     * Damaged databases that no operator has looked at yet: those that still stand in the state
     * directory.
     */
    List<String> damaged() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> SET_ASIDE.matcher(name).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return List.of("(cannot look into " + folder + ": " + e.getMessage() + ")");
        }
    }

    private Opened attempt(Consumer<String> progress) throws SQLException, IOException {
        Connection connection = connect(file().toString());
        try {
            boolean begun;
            boolean clean;
            try (Statement s = connection.createStatement()) {
                s.execute("PRAGMA locking_mode = EXCLUSIVE");
                s.execute("PRAGMA journal_mode = WAL");
                s.execute("PRAGMA synchronous = FULL");
                s.execute("PRAGMA temp_store = MEMORY");
                try (var tables = s.executeQuery("SELECT 1 FROM sqlite_schema LIMIT 1")) {
                    begun = !tables.next();
                }
                connection.setAutoCommit(false);
                Schema.apply(connection);
                clean = begun || isClean(s);
                if (!clean) {
                    progress.accept("checking the database, which was not closed");
                    check(s);
                }
                s.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('clean', '0')");
                connection.commit();
            }
            Files.deleteIfExists(trial()); // a disk that did not work may have kept it
            return new Opened(connection, clean, begun);
        } catch (SQLException | IOException e) {
            connection.close();
            throw e;
        }
    }

    private static boolean isClean(Statement s) throws SQLException {
        try (var found = s.executeQuery("SELECT value FROM meta WHERE key = 'clean'")) {
            return found.next() && found.getString(1).equals("1");
        }
    }

    /**
     * Not quick_check, which does not compare the tables with their indexes: a bit that flips in a
     * name would make it another path's, and the real one would be taken for queued and never be
     * delivered. For 100,000 paths it takes some 0.3 s, and only after a worker that did not end
     * well.
     */
    private static void check(Statement s) throws SQLException {
        try (var found = s.executeQuery("PRAGMA integrity_check(1)")) {
            String answer = found.next() ? found.getString(1) : "no answer";
            if (!answer.equals("ok")) {
                throw new SQLiteException(
                        "integrity_check: " + answer, SQLiteErrorCode.SQLITE_CORRUPT);
            }
        }
    }

    /** Called when it is damaged and not open. */
    void setAside(Instant now) throws IOException {
        String stamp = now.toString().replace(':', '-');
        for (String suffix : List.of("-wal", "-shm", "")) {
            Path part = folder.resolve(FILE + suffix);
            if (Files.exists(part, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(
                        part,
                        folder.resolve(ASIDE + stamp + suffix),
                        StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    private Path file() {
        return folder.resolve(FILE);
    }
}
