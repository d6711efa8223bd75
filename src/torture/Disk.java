import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small file system of its own, which can be full or read-only. Needs root. */
final class Disk implements AutoCloseable {
    private final Path mountPoint;

    private Disk(Path mountPoint) {
        this.mountPoint = mountPoint;
    }

    static Disk mount(Path mountPoint, int megabytes) throws IOException {
        run("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m,mode=755", "npbhq-torture", mountPoint.toString());
        var disk = new Disk(mountPoint);
        Runtime.getRuntime().addShutdownHook(new Thread(disk::unmount));
        return disk;
    }

    /** To the last byte. */
    void fill() throws IOException {
        // Ends with an error when there is no room left, as is wanted.
        new ProcessBuilder("dd", "if=/dev/zero", "of=" + mountPoint.resolve("filling"), "bs=64k")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .onExit()
                .join();
    }

    /** Nobody may have a file open there for writing: the kernel would refuse. */
    void makeReadOnly() throws IOException {
        run("mount", "-o", "remount,ro", mountPoint.toString());
    }

    void heal() throws IOException {
        run("mount", "-o", "remount,rw", mountPoint.toString());
        Files.deleteIfExists(mountPoint.resolve("filling"));
    }

    private void unmount() {
        try {
            new ProcessBuilder("umount", "-l", mountPoint.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .onExit()
                    .join();
        } catch (IOException e) {
            System.err.println("not unmounted: " + mountPoint + ": " + e);
        }
    }

    private static void run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        if (process.onExit().join().exitValue() != 0) {
            throw new IOException(String.join(" ", command) + " failed");
        }
    }

    @Override
    public void close() {
        unmount();
    }
}
