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
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Tells a damaged database from a disk that failed for a moment, and sets the damaged one aside.
 */
final class Damage {
    private static final Logger LOG = LoggerFactory.getLogger(Damage.class);
    private static final String WAL = "-wal";
    private static final String ASIDE = Database.FILE + ".damaged-";

    /** Nothing else is shown to operators: they will hand the name to a shell. */
    private static final Pattern SET_ASIDE = Pattern.compile(Pattern.quote(ASIDE) + "[0-9TZ.-]+");

    private final Path folder;

    Damage(Path folder) {
        this.folder = folder;
    }

    /**
     * Whether an error says that the file is not a sound database any more. SQLite says so, too,
     * when the disk does not let it read for a moment (SQLITE_IOERR_CORRUPTFS, which it turns into
     * SQLITE_CORRUPT); {@link #isLost} tells these apart.
     */
    static boolean isDamage(SQLException e) {
        return e instanceof SQLiteException s
                && (Database.hasCode(s, SQLiteErrorCode.SQLITE_CORRUPT)
                        || Database.hasCode(s, SQLiteErrorCode.SQLITE_NOTADB));
    }

    /** For damage that SQLite does not see. */
    static SQLException unseen(String what) {
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

    /** Before the database is opened: ends what a worker that was killed has begun. */
    void tidy() throws IOException {
        Files.deleteIfExists(trial());
        setLogAside();
    }

    private Path trial() {
        return folder.resolve(Database.FILE + ".trial");
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

    /**
     * Moves the damaged database, which is not open, out of the way. It goes before its log:
     * without the log an old state would open as a sound database.
     */
    void setAside(Instant now) throws IOException {
        String aside = ASIDE + now.toString().replace(':', '-');
        moveIfThere("", aside);
        moveIfThere(WAL, aside);
    }

    /** A worker was killed in {@link #setAside}: its log follows the database. */
    private void setLogAside() throws IOException {
        List<String> damaged = damaged();
        if (!Files.exists(file(), LinkOption.NOFOLLOW_LINKS) && !damaged.isEmpty()) {
            moveIfThere(WAL, damaged.getLast());
        }
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
