import hookqueue.testkit.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small file system, which can be full or read-only. Needs root. */
final class Disk {
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

    /** Fills the disk to the last byte. */
    void fill() throws IOException {
        // dd fails when the disk is full.
        Tools.run("dd", "if=/dev/zero", "of=" + mountPoint.resolve("filling"), "bs=64k");
    }

    /** Fails while a file is open for writing. */
    void makeReadOnly() throws IOException {
        run("mount", "-o", "remount,ro", mountPoint.toString());
    }

    void heal() throws IOException {
        run("mount", "-o", "remount,rw", mountPoint.toString());
        Files.deleteIfExists(mountPoint.resolve("filling"));
    }

    void unmount() {
        try {
            Tools.run("umount", "-l", mountPoint.toString());
        } catch (IOException e) {
            System.err.println("not unmounted: " + mountPoint + ": " + e);
        }
    }

    private static void run(String... command) throws IOException {
        if (Tools.run(command) != 0) {
            throw new IOException(String.join(" ", command) + " failed");
        }
    }
}
