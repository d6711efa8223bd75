package hookqueue.spool;

import hookqueue.base.StorePath;
import hookqueue.queue.QueueException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder where the hook leaves paths that it could not send: one file for each call, {@code
 * *.paths}, one store path a line, written under a temporary name and then renamed.
 *
 * <p>A file is deleted only after its paths are committed. A malformed file is renamed to {@code
 * *.rejected} after its valid lines are committed, and reported. Temporary files of killed hooks
 * are removed after an hour. Other names are left alone.
 *
 * <p>Each pass is bounded, for any number and size of files.
 */
public final class Spool {
    private static final Logger LOG = LoggerFactory.getLogger(Spool.class);
    private static final String READY = ".paths";
    private static final String REJECTED = ".rejected";
    private static final int LARGEST = 1 << 20;
    private static final String UNFINISHED = ".tmp-";
    private static final Duration FORGOTTEN = Duration.ofHours(1);

    /** Most names that one pass sorts. It reads fewer files. */
    private static final int MOST_NAMES = 10_000;

    private static final int MOST_FILES = 500;
    private static final int MOST_PATHS = 5_000;
    private static final int MOST_LOGGED = 10;
    private static final int MOST_TOLD = 1_000;

    private final Path folder;
    private final String storeDir;

    /** Files that were taken in and cannot be deleted; they are not taken in again. */
    private final Set<String> stuck = new HashSet<>();

    /** Problems that were logged. */
    private final Set<String> told = new HashSet<>();

    private Spool(Path folder, String storeDir) {
        this.folder = folder;
        this.storeDir = storeDir;
    }

    /** Opens the folder {@code spool} of the state directory, or creates it. */
    public static Spool open(Path stateDir, String storeDir) throws QueueException {
        try {
            return new Spool(Files.createDirectories(stateDir.resolve("spool")), storeDir);
        } catch (IOException e) {
            throw QueueException.unusable(stateDir, e.getMessage(), e);
        }
    }

    /** One file's content; it is sound if every line was a store path. */
    record Batch(Path file, List<StorePath> paths, boolean sound) {}

    /** The waiting files, ordered by time: at most 500, and none after the first 5,000 paths. */
    List<Batch> waiting() {
        var batches = new ArrayList<Batch>();
        int paths = 0;
        for (Path file : oldest()) {
            if (batches.size() == MOST_FILES || paths >= MOST_PATHS) {
                break;
            }
            Batch batch = read(file);
            if (batch != null) {
                batches.add(batch);
                paths += batch.paths().size();
            }
        }
        return batches;
    }

    private List<Path> oldest() {
        stuck.removeIf(name -> !Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS));
        var files = new ArrayList<Path>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path file : all) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith(READY) && !name.startsWith(".") && !stuck.contains(name)) {
                    files.add(file);
                    if (files.size() == MOST_NAMES) {
                        break;
                    }
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            if (isNews(e.toString())) {
                LOG.error(
                        "cannot look into the spool {}, and will try again: {}",
                        folder,
                        e.toString());
            }
        }
        Collections.sort(files);
        return files;
    }

    /** Removes temporary files of killed hooks. A hook takes seconds, not an hour. */
    void removeLeftovers(Instant now) {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path file : all) {
                if (String.valueOf(file.getFileName()).startsWith(UNFINISHED)
                        && Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS)
                                .toInstant()
                                .isBefore(now.minus(FORGOTTEN))) {
                    Files.deleteIfExists(file);
                    LOG.info("removed {}, which a hook has not finished", file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.warn("cannot remove what hooks have not finished: {}", e.toString());
        }
    }

    /** Called after the commit. */
    void done(Batch batch) {
        try {
            if (batch.sound()) {
                Files.deleteIfExists(batch.file());
            } else {
                Path aside = batch.file().resolveSibling(batch.file().getFileName() + REJECTED);
                Files.move(batch.file(), aside);
                LOG.error("spool file with lines that are no store paths; kept as {}", aside);
            }
        } catch (IOException e) {
            stuck.add(String.valueOf(batch.file().getFileName()));
            LOG.error(
                    "cannot remove the spool file {}, its paths will be queued again by the next worker: {}",
                    batch.file(),
                    e.toString());
        }
    }

    /**
     * Whether the problem was not logged yet. The spool is read often, and a problem may last for
     * hours. Users with write access can cause many problems: then they are logged once more.
     */
    boolean isNews(String trouble) {
        if (told.size() == MOST_TOLD) {
            told.clear();
        }
        return told.add(trouble);
    }

    /** A file that no hook has written. */
    private static final class Unfit extends IOException {
        private static final long serialVersionUID = 1;

        Unfit(String why) {
            super(why);
        }
    }

    /** Returns null if the file is gone, or cannot be read now. */
    private @Nullable Batch read(Path file) {
        String content;
        try {
            content = content(file);
        } catch (NoSuchFileException e) {
            return null;
        } catch (Unfit e) {
            if (isNews(file + e.toString())) {
                LOG.error("in the spool, but no file of paths: {}: {}", file, e.getMessage());
            }
            return new Batch(file, List.of(), false);
        } catch (IOException e) {
            if (isNews(file + e.toString())) {
                LOG.error(
                        "cannot read the spool file {}, and will try again: {}",
                        file,
                        e.toString());
            }
            return null;
        }
        var paths = new ArrayList<StorePath>();
        var reasons = new ArrayList<String>();
        int bad = 0;
        for (String line : content.lines().toList()) {
            try {
                if (!line.isBlank()) {
                    paths.add(StorePath.parse(storeDir, line.strip()));
                }
            } catch (IllegalArgumentException e) {
                if (++bad <= MOST_LOGGED) {
                    reasons.add(String.valueOf(e.getMessage()));
                }
            }
        }
        if (bad > 0 && isNews("lines of " + file)) {
            for (String reason : reasons) {
                LOG.error("in the spool file {}: {}", file, reason);
            }
            if (bad > MOST_LOGGED) {
                LOG.error("in the spool file {}: {} more such lines", file, bad - MOST_LOGGED);
            }
        }
        return new Batch(file, paths, bad == 0);
    }

    private static String content(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new Unfit("not a regular file");
        }
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            byte[] content = in.readNBytes(LARGEST + 1);
            if (content.length > LARGEST) {
                throw new Unfit("larger than 1 MiB");
            }
            return new String(content, StandardCharsets.UTF_8);
        }
    }
}
