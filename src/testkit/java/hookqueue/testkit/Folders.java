package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Folders that stay until this JVM ends, and the deletion of folders. */
public final class Folders {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static Path base;

    private Folders() {}

    static Path kept() throws IOException {
        return Files.createDirectory(base().resolve("w" + COUNT.incrementAndGet()));
    }

    private static synchronized Path base() throws IOException {
        if (base == null) {
            Path made = Files.createTempDirectory("npbhq-");
            Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwxr-xr-x"));
            // "Top of directory hierarchies": ext4 spreads the folders below it over the disk.
            Tools.run("chattr", "+T", made.toString());
            Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAtExit(made)));
            base = made;
        }
        return base;
    }

    private static void deleteAtExit(Path folder) {
        try {
            delete(folder);
        } catch (IOException e) {
            System.err.println("not deleted: " + e);
        }
    }

    /**
     * Deletes a folder with its content. Makes its folders writable first: Nix makes its outputs
     * read-only.
     */
    public static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        List<Path> all;
        try (Stream<Path> files = Files.walk(folder)) {
            all = files.toList();
        }
        for (Path each : all) {
            if (Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)
                    && !each.toFile().setWritable(true)) {
                throw new IllegalStateException("cannot be made writable: " + each);
            }
        }
        for (Path each : all.reversed()) {
            Files.deleteIfExists(each);
        }
    }
}
