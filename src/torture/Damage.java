import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;

/** Damages a database as a broken disk or an operator's mistake would. */
final class Damage {
    private Damage() {}

    static void toDatabase(Path state, int kind, Random random) throws IOException {
        Path database = state.resolve("queue.sqlite");
        Path log = state.resolve("queue.sqlite-wal");
        if (!Files.isRegularFile(database) || Files.size(database) == 0) {
            return;
        }
        switch (kind) {
            case 0 -> {
                try (var file = new RandomAccessFile(database.toFile(), "rw")) {
                    file.setLength(random.nextLong(file.length()));
                }
            }
            case 1 -> {
                overwrite(database, random);
                flip(log, random);
            }
            case 2 -> {
                Files.move(database, state.resolve("moved-by-hand"), StandardCopyOption.REPLACE_EXISTING);
                Files.createDirectory(database);
            }
            case 3 -> Files.deleteIfExists(log);
            default -> {
                Files.deleteIfExists(database);
                Files.deleteIfExists(log);
            }
        }
    }

    /**
     * Overwrites a page with noise. It flips no single bits: SQLite's pages have no checksums, so a flipped bit in a value
     * without an index cannot be detected (see docs/reliability.md; RecoveryTest flips bits of names, which have an index).
     */
    private static void overwrite(Path path, Random random) throws IOException {
        byte[] noise = new byte[4096];
        random.nextBytes(noise);
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            // An earlier step may have truncated the file to less than a page.
            file.seek(random.nextLong(Math.max(1, file.length() / noise.length)) * noise.length);
            file.write(noise);
        }
    }

    /** Flips some bits: each part of the log has a checksum. */
    private static void flip(Path path, Random random) throws IOException {
        if (!Files.exists(path) || Files.size(path) == 0) {
            return;
        }
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            for (int i = 0; i < 20; i++) {
                long at = random.nextLong(file.length());
                file.seek(at);
                int old = file.read();
                file.seek(at);
                file.write(old ^ 1 << random.nextInt(8));
            }
        }
    }
}
