package hookqueue.roots;

import hookqueue.base.StorePath;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Garbage collector roots: a symbolic link {@code <hash>-<name>} to each queued path. Nix treats
 * every symbolic link below {@code /nix/var/nix/gcroots} as a root, so making one needs no process.
 *
 * <p>A folder that cannot be written causes a warning, not an error: the path is queued without
 * protection, and gets its root once the folder can be written again ({@link #beginToMend}).
 */
public final class GcRoots {
    private static final Logger LOG = LoggerFactory.getLogger(GcRoots.class);

    private final Path folder;
    private final String storeDir;
    private volatile @Nullable String problem;

    /** Whether an error occurred since {@link #beginToMend()}. */
    private volatile boolean wrongAgain;

    /** A root to make or remove after the commit of the current transaction. */
    public record Change(StorePath path, boolean add) {}

    public GcRoots(Path folder, String storeDir) {
        this.folder = folder;
        this.storeDir = storeDir;
        if (!isWritable()) {
            String reason = Files.exists(folder) ? "not a writable directory" : "it does not exist";
            note(new IOException(reason));
        }
    }

    /**
     * The last error, or null. While there is one, roots may be missing, and others superfluous.
     */
    public @Nullable String problem() {
        return problem;
    }

    /**
     * Whether there is a problem and the folder can be written again. The caller then repairs the
     * roots and calls {@link #endOfMending()}.
     */
    public boolean beginToMend() {
        wrongAgain = false;
        return problem != null && isWritable();
    }

    /** Clears the problem, unless another error occurred meanwhile. */
    public void endOfMending() {
        if (!wrongAgain) {
            LOG.info("queued paths are rooted in {} again", folder);
            problem = null;
        }
    }

    void add(StorePath path) {
        try {
            Files.createSymbolicLink(link(path), target(path));
        } catch (FileAlreadyExistsException e) {
            if (!exists(path)) {
                replace(path);
            }
        } catch (IOException e) {
            note(e);
        }
    }

    /** Like {@code add}, but faster if the root exists. */
    public void addIfMissing(StorePath path) {
        if (!exists(path)) {
            add(path);
        }
    }

    private boolean exists(StorePath path) {
        try {
            return Files.readSymbolicLink(link(path)).equals(target(path));
        } catch (NoSuchFileException | NotLinkException e) {
            LOG.trace("not there, or no link", e);
            return false;
        } catch (IOException e) {
            note(e); // it may be there, and is safer than an attempt to make it
            return true;
        }
    }

    private void replace(StorePath path) {
        try {
            Files.delete(link(path));
            Files.createSymbolicLink(link(path), target(path));
        } catch (IOException e) {
            note(e);
        }
    }

    public void remove(StorePath path) {
        try {
            if (!Files.deleteIfExists(link(path)) && !Files.isDirectory(folder)) {
                throw new NoSuchFileException(
                        folder.toString()); // and it may come back with the root
            }
        } catch (IOException e) {
            note(e);
        }
    }

    /** Syncs the folder, so that the changes survive a power loss. */
    public void sync() {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            note(e);
        }
    }

    public Listing list() {
        return new Listing();
    }

    /** The folder's content, a page at a time: it may be larger than memory. */
    public final class Listing implements AutoCloseable {
        private final @Nullable DirectoryStream<Path> stream;
        private final Iterator<Path> links;

        @SuppressWarnings("StreamResourceLeak") // closed with this listing
        private Listing() {
            DirectoryStream<Path> opened = null;
            try {
                opened = Files.newDirectoryStream(folder);
            } catch (IOException e) {
                note(e);
            }
            stream = opened;
            links = opened == null ? Collections.emptyIterator() : opened.iterator();
        }

        /**
         * The next page of at most {@code most} roots, empty at the end. It skips names that are
         * not store paths.
         */
        public List<StorePath> next(int most) {
            var found = new ArrayList<StorePath>();
            try {
                while (found.size() < most && links.hasNext()) {
                    Path link = links.next();
                    StorePath path = parse(String.valueOf(link.getFileName()));
                    if (path != null && Files.isSymbolicLink(link)) {
                        found.add(path);
                    }
                }
            } catch (DirectoryIteratorException e) {
                note(new IOException(e.getMessage(), e));
            }
            return found;
        }

        @Override
        public void close() {
            try {
                if (stream != null) {
                    stream.close();
                }
            } catch (IOException e) {
                note(e);
            }
        }
    }

    private static @Nullable StorePath parse(String name) {
        try {
            return new StorePath(name);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private Path link(StorePath path) {
        return folder.resolve(path.baseName());
    }

    private Path target(StorePath path) {
        return Path.of(path.in(storeDir));
    }

    private boolean isWritable() {
        return Files.isDirectory(folder) && Files.isWritable(folder);
    }

    private void note(IOException e) {
        wrongAgain = true;
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
