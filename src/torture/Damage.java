import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;

/** What a broken disk or a careless hand does to a database. */
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
     * A page of noise. Not single bits: SQLite has no sums over its pages, and of a value that no index holds nobody can
     * tell that a bit has flipped (see docs/reliability.md; names are in an index, and RecoveryTest flips theirs).
     */
    private static void overwrite(Path path, Random random) throws IOException {
        byte[] noise = new byte[4096];
        random.nextBytes(noise);
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            // Truncated before, it may have less than a page.
            file.seek(random.nextLong(Math.max(1, file.length() / noise.length)) * noise.length);
            file.write(noise);
        }
    }

    /** Some bits here and there: each part of the log has its sum. */
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
