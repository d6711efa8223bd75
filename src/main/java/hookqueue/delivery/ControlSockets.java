package hookqueue.delivery;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The places of the control sockets of shared ssh connections: a folder below the state directory,
 * which only the worker's user can enter. The folder is deleted with the last socket.
 *
 * <p>A worker that was killed leaves the folder. The next one deletes what is in it before its
 * first connection: only one worker uses a state directory. It deletes nothing if the folder is a
 * symlink or another user's.
 *
 * <p>If that place does not suit a socket, each socket gets a temporary folder. A killed worker
 * leaves these. For any thread.
 */
final class ControlSockets {
    private static final Set<PosixFilePermission> OWNER =
            PosixFilePermissions.fromString("rwx------");
    private static final FileAttribute<?> FOR_OWNER = PosixFilePermissions.asFileAttribute(OWNER);

    /**
     * {@code sun_path} of unix(7) has 108 bytes with the final zero. ssh makes the socket under
     * another name, which is 17 bytes longer ({@code mux.c}).
     */
    private static final int LONGEST = 108 - 1 - 17;

    /** Nix splits {@code NIX_SSHOPTS} at blanks, and ssh expands {@code %}. */
    private static final Pattern PLAIN = Pattern.compile("[-A-Za-z0-9/._+]*");

    private final Path folder;

    // Guarded by this, up to the end.
    private final Set<Path> used = new HashSet<>();
    private boolean cleaned;
    private long count;

    ControlSockets(Path stateDir) {
        this.folder = stateDir.resolve("ssh").toAbsolutePath();
    }

    /** A place where there is no file yet. */
    synchronized Path take() throws IOException {
        count++;
        Path place = folder.resolve("s" + count);
        if (place.toString().length() > LONGEST || !PLAIN.matcher(place.toString()).matches()) {
            return Files.createTempDirectory("npbhq-ssh-").resolve("s");
        }
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            check();
        } else {
            Files.createDirectory(folder, FOR_OWNER);
        }
        if (!cleaned) {
            empty();
            cleaned = true;
        }
        used.add(place);
        return place;
    }

    /** Deletes the socket, and its folder after the last one. */
    synchronized void release(Path place) throws IOException {
        Files.deleteIfExists(place);
        boolean own = used.remove(place);
        if (used.isEmpty() || !own) {
            Files.deleteIfExists(place.getParent());
        }
    }

    private void check() throws IOException {
        var found =
                Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        // The link itself is root's; the directory that it leads to is this process's.
        UserPrincipal ours = Files.getOwner(Path.of("/proc/self"));
        if (!found.isDirectory()
                || !found.owner().equals(ours)
                || !found.permissions().equals(OWNER)) {
            throw new IOException(folder + " is not a directory that only this user can enter");
        }
    }

    private void empty() throws IOException {
        try (DirectoryStream<Path> sockets = Files.newDirectoryStream(folder)) {
            for (Path socket : sockets) {
                Files.delete(socket);
            }
        }
    }
}
