package hookqueue.queue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
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
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Distinguishes a damaged database from a transient disk failure, and sets a damaged one aside. */
record Damage(Path folder) {
    private static final Logger LOG = LoggerFactory.getLogger(Damage.class);
    private static final String WAL = "-wal";
    private static final String ASIDE = Database.FILE + ".damaged-";

    /** Reports show only such names, because operators paste them into a shell. */
    private static final Pattern SET_ASIDE = Pattern.compile(Pattern.quote(ASIDE) + "[0-9TZ.-]+");

    /**
     * Whether an error says that the file is damaged. SQLite reports the same when the disk fails a
     * read for a moment (SQLITE_IOERR_CORRUPTFS, which it turns into SQLITE_CORRUPT). {@link
     * #isLost} tells the two apart.
     */
    static boolean isDamage(SQLException e) {
        return Database.hasCode(e, SQLiteErrorCode.SQLITE_CORRUPT)
                || Database.hasCode(e, SQLiteErrorCode.SQLITE_NOTADB);
    }

    /** Damage that SQLite does not detect. */
    static final class Unseen extends SQLiteException {
        private static final long serialVersionUID = 1;

        Unseen(String what) {
            super(what, SQLiteErrorCode.SQLITE_CORRUPT);
        }
    }

    /**
     * Whether the file is lost. Called after damage was found, while the file is not open. The file
     * is lost if it is no sound database, or if it cannot be read though the disk works. A
     * transient disk failure loses nothing.
     *
     * @throws IOException if the disk does not work: the state of the file is unknown
     */
    boolean isLost(SQLException found) throws IOException {
        if (found instanceof Unseen || !Files.isRegularFile(file(), LinkOption.NOFOLLOW_LINKS)) {
            return true;
        }
        try {
            readThrough(file());
            readThrough(folder.resolve(Database.FILE + WAL));
        } catch (NoSuchFileException e) {
            LOG.trace("no log", e);
        } catch (IOException e) {
            tryDisk();
            LOG.error("the disk works, but the database cannot be read: {}", e.toString());
            return true;
        }
        try (Connection connection = Database.connect(file());
                Statement s = connection.createStatement()) {
            Database.check(s);
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
        Files.write(
                trial(),
                new byte[4096],
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE,
                StandardOpenOption.SYNC);
        Files.delete(trial());
    }

    /** Completes the work of a worker that was killed. Called before the database is opened. */
    void tidy() throws IOException {
        Files.deleteIfExists(trial());
        List<String> damaged = damaged();
        if (!Files.exists(file(), LinkOption.NOFOLLOW_LINKS) && !damaged.isEmpty()) {
            moveIfThere(WAL, damaged.getLast()); // killed in setAside
        }
    }

    private Path trial() {
        return folder.resolve(Database.FILE + ".trial");
    }

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

    /**
     * Moves the damaged database away, which is not open. The database moves before its log:
     * without the log an old state would open as a sound database.
     */
    void setAside(Instant now) throws IOException {
        String aside = ASIDE + now.toString().replace(':', '-');
        moveIfThere("", aside);
        moveIfThere(WAL, aside);
    }

    private void moveIfThere(String suffix, String aside) throws IOException {
        try {
            Files.move(
                    folder.resolve(Database.FILE + suffix),
                    folder.resolve(aside + suffix),
                    StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            LOG.trace("not there", e);
        }
    }

    private Path file() {
        return folder.resolve(Database.FILE);
    }
}
