package hookqueue.queue;

import hookqueue.base.StorePath;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder where the hook leaves paths that it could not hand over: one file a call, {@code
 * *.paths}, one store path a line, written under another name and then renamed.
 *
 * <p>A file is deleted only after its paths are committed. What is no such file, or has a line that
 * is no store path, is renamed to {@code *.rejected} once its good lines are in, and reported;
 * other names are left alone.
 */
final class Spool {
    private static final Logger LOG = LoggerFactory.getLogger(Spool.class);
    private static final String READY = ".paths";
    private static final String REJECTED = ".rejected";
    private static final int LARGEST = 1 << 20;
    private static final int AT_ONCE = 500;
    private static final int MOST_LOGGED = 10;

    private final Path folder;
    private final String storeDir;

    /** Names of files that were taken in and cannot be removed: not to be taken again. */
    private final Set<String> stuck = new HashSet<>();

    Spool(Path folder, String storeDir) {
        this.folder = folder;
        this.storeDir = storeDir;
    }

    /**
     * One file's content.
     *
     * @param file where it was found
     * @param paths its store paths
     * @param sound whether every line was one
     */
    record Batch(Path file, List<StorePath> paths, boolean sound) {}

    /** What waits, at most 500 files of it; the names are in the order of time. */
    List<Batch> waiting() {
        String[] names =
                folder.toFile().list((dir, name) -> name.endsWith(READY) && !name.startsWith("."));
        if (names == null || names.length == 0) {
            return List.of();
        }
        stuck.retainAll(Set.of(names));
        var batches = new ArrayList<Batch>();
        Arrays.stream(names)
                .filter(name -> !stuck.contains(name))
                .sorted()
                .limit(AT_ONCE)
                .forEach(name -> read(folder.resolve(name), batches));
        return batches;
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

    private void read(Path file, List<Batch> batches) {
        String content;
        try {
            content = content(file);
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            LOG.error("cannot read the spool file {}: {}", file, e.toString());
            batches.add(new Batch(file, List.of(), false));
            return;
        }
        var paths = new ArrayList<StorePath>();
        int bad = 0;
        for (String line : content.lines().toList()) {
            try {
                if (!line.isBlank()) {
                    paths.add(StorePath.parse(storeDir, line.strip()));
                }
            } catch (IllegalArgumentException e) {
                if (++bad <= MOST_LOGGED) {
                    LOG.error("in the spool file {}: {}", file, e.getMessage());
                }
            }
        }
        if (bad > MOST_LOGGED) {
            LOG.error("in the spool file {}: {} more such lines", file, bad - MOST_LOGGED);
        }
        batches.add(new Batch(file, paths, bad == 0));
    }

    private static String content(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("not a regular file");
        }
        try (var channel =
                Files.newByteChannel(
                        file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
            if (channel.size() > LARGEST) {
                throw new IOException("larger than 1 MiB");
            }
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
