package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Damaged, full and missing disks, locked databases, and killed workers. */
class RecoveryTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    /** Damage to the file while no worker runs. */
    enum Damage {
        TRUNCATED_TO_HALF {
            @Override
            void to(Path file) throws IOException {
                truncate(file, Files.size(file) / 2);
            }
        },
        TRUNCATED_IN_THE_HEADER {
            @Override
            void to(Path file) throws IOException {
                truncate(file, 60);
            }
        },
        GARBAGE {
            @Override
            void to(Path file) throws IOException {
                Files.writeString(file, "this is no database\n".repeat(5_000));
            }
        },
        HEADER_OVERWRITTEN {
            @Override
            void to(Path file) throws IOException {
                overwrite(file, 0, 40);
            }
        },
        FIRST_PAGE_OVERWRITTEN {
            @Override
            void to(Path file) throws IOException {
                overwrite(file, 100, 3_000);
            }
        },
        DIRECTORY_IN_ITS_PLACE {
            @Override
            void to(Path file) throws IOException {
                Files.delete(file);
                Files.createDirectory(file);
                Files.writeString(file.resolve("x"), "x");
            }
        };

        abstract void to(Path file) throws IOException;

        static void truncate(Path file, long size) throws IOException {
            try (var f = new RandomAccessFile(file.toFile(), "rw")) {
                f.setLength(size);
            }
        }

        static void overwrite(Path file, long from, int count) throws IOException {
            try (var f = new RandomAccessFile(file.toFile(), "rw")) {
                f.seek(from);
                byte[] bytes = new byte[count];
                java.util.Arrays.fill(bytes, (byte) 0x5a);
                f.write(bytes);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Damage.class)
    void aDamagedDatabaseIsSetAsideAndItsPathsAreQueuedAgain(Damage damage) throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 100), null);
        }
        damage.to(f.file());
        try (Queue queue = f.open(TWO)) {
            assertEquals(
                    List.of("queue.sqlite.damaged-2026-03-01T12-00-00Z"),
                    queue.damaged(),
                    "an operator is told");
            assertTrue(
                    Files.exists(
                            f.state.resolve(queue.damaged().getFirst()),
                            LinkOption.NOFOLLOW_LINKS));
            assertEquals(100, Fixture.unsettled(queue).size());
            assertEquals(100, f.rooted().size());
            f.enqueue(queue, List.of(path(500)), null);
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(101, Fixture.unsettled(queue).size(), "the new one is kept");
            Files.walk(f.state.resolve(queue.damaged().getFirst()))
                    .sorted(java.util.Comparator.reverseOrder())
                    .forEach(each -> each.toFile().delete());
            assertEquals(List.of(), queue.damaged(), "the operator has moved it away");
        }
    }

    /** After a clean end the start checks nothing, so the worker finds the damage in use. */
    @Test
    void damageFoundInUseEndsTheWorkerAndTheNextSetsTheDatabaseAside() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 200), null);
        }
        long page =
                f.number(
                        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_path_1'");
        Damage.overwrite(f.file(), (page - 1) * 4096, 200);
        QueueException e;
        try (Queue queue = f.open(TWO)) {
            e = assertThrows(QueueException.class, () -> f.enqueue(queue, paths(0, 1), null));
        }
        assertTrue(e.getMessage().contains("SQLITE_CORRUPT"), e.getMessage());
        assertFalse(f.fatal.isEmpty(), "the worker is to end");
        try (Queue queue = f.open(TWO)) {
            assertEquals(1, queue.damaged().size());
            assertEquals(200, Fixture.unsettled(queue).size());
        }
    }

    /**
     * It would be another path, and the real one would be taken for queued: the index still has it.
     */
    @Test
    void aFlippedBitInANameIsDamageAndThePathIsQueuedAgain() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
        }
        f.sql("UPDATE meta SET value = '0' WHERE key = 'clean'");
        long page = f.number("SELECT rootpage FROM sqlite_schema WHERE name = 'path'");
        byte[] content = Files.readAllBytes(f.file());
        String table =
                new String(content, (int) (page - 1) * 4096, 4096, StandardCharsets.ISO_8859_1);
        content[(int) (page - 1) * 4096 + table.indexOf(path(1).baseName())] ^= 2;
        Files.write(f.file(), content);
        try (Queue queue = f.open(TWO)) {
            assertEquals(1, queue.damaged().size());
            assertEquals(
                    Set.of(path(0).baseName(), path(1).baseName(), path(2).baseName()),
                    Fixture.unsettled(queue));
        }
    }

    @Test
    void aMissingDatabaseIsRecoveredFromTheRoots() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
        }
        Files.delete(f.file());
        Files.createSymbolicLink(f.roots.resolve("foreign"), Path.of("/etc/passwd"));
        Files.createFile(f.roots.resolve(path(7).baseName()));
        try (Queue queue = f.open(TWO)) {
            assertEquals(
                    Set.of(path(0).baseName(), path(1).baseName(), path(2).baseName()),
                    Fixture.unsettled(queue));
            assertEquals(List.of(), queue.damaged());
        }
        assertTrue(Files.isSymbolicLink(f.roots.resolve("foreign")), "not ours");
    }

    @ParameterizedTest
    @ValueSource(ints = {5, -1})
    void aDatabaseOfAnUnknownVersionIsRefusedAndLeftAlone(int version) throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
        }
        f.sql("PRAGMA user_version = " + version);
        byte[] before = Files.readAllBytes(f.file());
        var e = assertThrows(QueueException.class, () -> f.open(TWO));
        assertEquals(
                "the state directory "
                        + f.state
                        + " cannot be used: the database has schema version "
                        + version
                        + ", this program knows 4:"
                        + " use the newer program again, or set the database aside",
                e.getMessage());
        assertEquals(
                new String(before, StandardCharsets.ISO_8859_1),
                Files.readString(f.file(), StandardCharsets.ISO_8859_1));
        f.sql("PRAGMA user_version = 4");
        try (Queue queue = f.open(TWO)) {
            assertEquals(3, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void aSecondWorkerOnTheSameStateDirectoryIsRefused() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            var e = assertThrows(QueueException.class, () -> f.open(TWO));
            assertEquals(
                    "the state directory "
                            + f.state
                            + " cannot be used: another worker is using it",
                    e.getMessage());
            f.enqueue(queue, paths(1, 2), null);
            assertEquals(2, Fixture.unsettled(queue).size(), "the first one is not disturbed");
        }
    }

    @Test
    void aStateDirectoryThatIsAFileIsRefused() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        var e = assertThrows(QueueException.class, () -> new Fixture(file, f.roots).open(TWO));
        assertTrue(
                e.getMessage().startsWith("the state directory " + file + " cannot be used: "),
                e.getMessage());
    }

    /** SQLite reads a log with a damaged end as if the last commits had never happened. */
    @Test
    void commitsLostWithTheEndOfTheLogAreRecoveredFromTheRoots() throws Exception {
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            for (int i = 0; i < 10; i++) {
                f.enqueue(queue, List.of(path(i)), null);
            }
            dead = f.afterPowerFailure(folder.resolve("dead"));
        }
        Path log = dead.state.resolve("queue.sqlite-wal");
        Damage.truncate(log, Files.size(log) * 2 / 3);
        try (Queue queue = dead.open(TWO)) {
            assertEquals(10, Fixture.unsettled(queue).size());
            assertEquals(10, dead.rooted().size());
        }
    }

    /** Most flips make an impossible name, which must not block the lane. */
    @Test
    void anImpossibleNameIsDamage() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
        }
        byte[] bytes = Files.readAllBytes(f.file());
        byte[] name = path(1).baseName().getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at + name.length <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + name.length, name, 0, name.length)) {
                bytes[at + 3] |= (byte) 0x80;
            }
        }
        Files.write(f.file(), bytes);
        try (Queue queue = f.open(TWO)) {
            var e =
                    assertThrows(
                            QueueException.class,
                            () -> queue.call(t -> t.lane("ssh://a").fresh(10)));
            assertTrue(e.getMessage().contains("a row's name is not a store path"), e::toString);
            assertEquals(1, f.fatal.size());
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(f.rooted(), Fixture.unsettled(queue));
            assertEquals(3, Fixture.fresh(queue, "ssh://a").size());
        }
    }

    /** SQLite also reports damage if the disk answers EIO to a read. */
    @Test
    void aTemporaryReadErrorIsNotDamage() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), "a-tag");
            assertThrows(
                    QueueException.class,
                    () ->
                            queue.call(t -> {
                                throw new SQLiteException(
                                        "a read failed", SQLiteErrorCode.SQLITE_CORRUPT);
                            }));
            assertEquals(1, f.fatal.size(), "the worker is to end");
        }
        Files.move(f.roots, f.roots.resolveSibling("away")); // nothing to fill from
        try (Queue queue = f.open(TWO)) {
            assertEquals(List.of(), queue.damaged());
            assertEquals(2, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void afterDamageNoTaskIsCommittedOrAnswered() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            assertThrows(
                    QueueException.class,
                    () ->
                            queue.call(t -> {
                                throw new SQLiteException("bad", SQLiteErrorCode.SQLITE_CORRUPT);
                            }));
            var e = assertThrows(QueueException.class, () -> f.enqueue(queue, paths(2, 3), null));
            assertEquals(
                    "the queue's database: it seems to be damaged, and the worker ends",
                    e.getMessage());
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(2, Fixture.unsettled(queue).size());
        }
    }

    /** Without its log, the database would open in an old state, without an error. */
    @Test
    void aDatabaseThatCannotBeSetAsideKeepsItsLog() throws Exception {
        Path database = damagedWithALog();
        Path log = f.state.resolve("queue.sqlite-wal");
        Path inTheWay = // so that it cannot be moved
                f.state.resolve("queue.sqlite.damaged-2026-03-01T12-00-00Z/x");
        Files.createDirectories(inTheWay);
        assertThrows(QueueException.class, () -> f.open(TWO));
        assertTrue(Files.exists(database) && Files.exists(log), "both or none");
        Files.delete(inTheWay);
        Files.delete(inTheWay.getParent());
        try (Queue queue = f.open(TWO)) {
            assertEquals(201, Fixture.unsettled(queue).size(), "from the roots");
        }
    }

    @Test
    void aLogLeftByAKilledWorkerIsSetAsideWithItsDatabase() throws Exception {
        Path database = damagedWithALog();
        Path aside = f.state.resolve("queue.sqlite.damaged-2026-01-01T12-00-00Z");
        Files.move(database, aside);
        try (Queue queue = f.open(TWO)) {
            assertEquals(201, Fixture.unsettled(queue).size());
            assertEquals(List.of(aside.getFileName().toString()), queue.damaged());
            assertTrue(Files.exists(f.state.resolve(aside.getFileName() + "-wal")));
        }
    }

    private Path damagedWithALog() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 200), null);
        }
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(200, 201), null);
            dead = f.afterPowerFailure(folder.resolve("dead"));
        }
        f = dead;
        Damage.DIRECTORY_IN_ITS_PLACE.to(f.file());
        assertTrue(Files.exists(f.state.resolve("queue.sqlite-wal")));
        return f.file();
    }
}
