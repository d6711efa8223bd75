package hookqueue.queue;

import hookqueue.base.StorePath;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Garbage collector roots: a symbolic link {@code <hash>-<name>} to each path that is queued. Nix
 * takes every symbolic link below {@code /nix/var/nix/gcroots} as a root, so no process is needed
 * to make one.
 *
 * <p>A folder that cannot be written is a warning, not a refusal: the path is then queued without
 * protection.
 */
final class Roots {
    private static final Logger LOG = LoggerFactory.getLogger(Roots.class);

    private final Path folder;
    private final String storeDir;
    private volatile @Nullable String problem;

    /** A root to be made or removed once the transaction at hand is committed. */
    record Change(StorePath path, boolean add) {}

    Roots(Path folder, String storeDir) {
        this.folder = folder;
        this.storeDir = storeDir;
        probe();
    }

    /** What is wrong with the folder, or null. */
    @Nullable String problem() {
        return problem;
    }

    void add(StorePath path) {
        try {
            Files.createSymbolicLink(folder.resolve(path.baseName()), Path.of(path.in(storeDir)));
        } catch (FileAlreadyExistsException e) {
            replaceIfWrong(path);
        } catch (IOException e) {
            note(e);
        }
    }

    void remove(StorePath path) {
        try {
            Files.deleteIfExists(folder.resolve(path.baseName()));
        } catch (IOException e) {
            note(e);
        }
    }

    /** Makes all that was added or removed survive a loss of power. */
    void sync() {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
            if (problem != null) {
                probe();
            }
        } catch (IOException e) {
            note(e);
        }
    }

    /** Every root there is; what is not a store path's name is passed over. */
    List<StorePath> all() {
        var found = new ArrayList<StorePath>();
        try (DirectoryStream<Path> links = Files.newDirectoryStream(folder)) {
            for (Path link : links) {
                StorePath path = parse(String.valueOf(link.getFileName()));
                if (path != null && Files.isSymbolicLink(link)) {
                    found.add(path);
                }
            }
        } catch (DirectoryIteratorException e) {
            note(new IOException(e.getMessage(), e));
        } catch (IOException e) {
            note(e);
        }
        return found;
    }

    private static @Nullable StorePath parse(String name) {
        try {
            return new StorePath(name);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private void replaceIfWrong(StorePath path) {
        Path link = folder.resolve(path.baseName());
        Path target = Path.of(path.in(storeDir));
        try {
            if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(target)) {
                Files.delete(link);
                Files.createSymbolicLink(link, target);
            }
        } catch (IOException e) {
            note(e);
        }
    }

    private void probe() {
        if (Files.isDirectory(folder) && Files.isWritable(folder)) {
            if (problem != null) {
                LOG.info("garbage collector roots can be made again in {}", folder);
            }
            problem = null;
        } else {
            note(
                    new IOException(
                            Files.exists(folder)
                                    ? "not a writable directory"
                                    : "it does not exist"));
        }
    }

    private void note(IOException e) {
        String reason =
                e instanceof NoSuchFileException
                        ? "it does not exist"
                        : String.valueOf(e.getMessage());
        String now = "garbage collector roots cannot be made in " + folder + ": " + reason;
        if (!now.equals(problem)) {
            LOG.warn("{}; queued paths are not protected from garbage collection", now);
        }
        problem = now;
    }
}
