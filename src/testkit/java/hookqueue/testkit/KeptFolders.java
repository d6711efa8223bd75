package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.atomic.AtomicInteger;

/** Folders that stay until this JVM ends, each in a part of the disk of its own. */
final class KeptFolders {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static Path base;

    private KeptFolders() {}

    static Path next() throws IOException {
        return Files.createDirectory(base().resolve("w" + COUNT.incrementAndGet()));
    }

    private static synchronized Path base() throws IOException {
        if (base == null) {
            Path made = Files.createTempDirectory("npbhq-");
            Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwxr-xr-x"));
            // "Top of directory hierarchies": ext4 spreads the folders below it over the disk.
            // Others need no such thing.
            new ProcessBuilder("chattr", "+T", made.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .onExit()
                    .join();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(made)));
            base = made;
        }
        return base;
    }

    private static void delete(Path folder) {
        try {
            World.delete(folder);
        } catch (IOException e) {
            System.err.println("not deleted: " + e);
        }
    }
}
