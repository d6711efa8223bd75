package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import hookqueue.base.StorePath;
import hookqueue.testkit.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
            queue.enqueue(paths(0, 100), null);
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
            queue.enqueue(List.of(path(500)), null);
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
            queue.enqueue(paths(0, 200), null);
        }
        long page =
                f.number(
                        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_path_1'");
        Damage.overwrite(f.file(), (page - 1) * 4096, 200);
        QueueException e;
        try (Queue queue = f.open(TWO)) {
            e = assertThrows(QueueException.class, () -> queue.enqueue(paths(0, 1), null));
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
            queue.enqueue(paths(0, 3), null);
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
            queue.enqueue(paths(0, 3), null);
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

    @Test
    void aDatabaseOfANewerVersionIsRefusedAndLeftAlone() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), null);
        }
        f.sql("PRAGMA user_version = 5");
        byte[] before = Files.readAllBytes(f.file());
        var e = assertThrows(QueueException.class, () -> f.open(TWO));
        assertEquals(
                "the state directory "
                        + f.state
                        + " cannot be used: the database has schema version 5, this program knows 4:"
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
            queue.enqueue(paths(0, 1), null);
            var e = assertThrows(QueueException.class, () -> f.open(TWO));
            assertEquals(
                    "the state directory "
                            + f.state
                            + " cannot be used: another worker is using it",
                    e.getMessage());
            queue.enqueue(paths(1, 2), null);
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

    /** A crash between the commit and the roots: missing and stale roots are both repaired. */
    @Test
    void afterAnUncleanEndTheRootsAreComparedWithTheRows() throws Exception {
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 4), null);
            f.deliver(queue, "ssh://a", path(3));
            f.deliver(queue, "ssh://b", path(3));
            dead = f.afterPowerFailure(folder.resolve("dead"));
        }
        Files.delete(dead.roots.resolve(path(0).baseName()));
        Files.createSymbolicLink(
                dead.roots.resolve(path(3).baseName()), Path.of(path(3).in(Fixture.STORE)));
        try (Queue queue = dead.open(TWO)) {
            assertEquals(3, Fixture.unsettled(queue).size());
            assertEquals(Fixture.unsettled(queue), dead.rooted());
        }
    }

    /** SQLite reads a log with a damaged end as if the last commits had never happened. */
    @Test
    void commitsLostWithTheEndOfTheLogAreRecoveredFromTheRoots() throws Exception {
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            for (int i = 0; i < 10; i++) {
                queue.enqueue(List.of(path(i)), null);
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

    /** The row and the index both have the name; SQLite does not notice a flip in either. */
    @Test
    void aNameWithAFlippedBitIsRecoveredFromTheRoot() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), null);
        }
        byte[] good = Files.readAllBytes(f.file());
        byte[] name = path(1).baseName().getBytes(StandardCharsets.US_ASCII);
        int flipped = 0;
        for (int at = 0; at + name.length <= good.length; at++) {
            if (!Arrays.equals(good, at, at + name.length, name, 0, name.length)) {
                continue;
            }
            byte[] bad = good.clone();
            bad[at + 3] ^= 2;
            Files.write(f.file(), bad);
            try (Queue queue = f.open(TWO)) {
                queue.lookAtRoots();
            } catch (QueueException e) {
                assertTrue(e.getMessage().contains("another path's name"), e::toString);
            }
            try (Queue queue = f.open(TWO)) {
                assertTrue(Fixture.unsettled(queue).containsAll(f.rooted()));
                assertTrue(Fixture.unsettled(queue).contains(path(1).baseName()));
            }
            flipped++;
        }
        assertTrue(flipped >= 2, () -> "in fewer places than a row and an index");
    }

    /** Most flips make an impossible name, which must not block the lane. */
    @Test
    void anImpossibleNameIsDamage() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), null);
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

    @Test
    void afterACleanEndTheRootsAreNotCompared() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 1), null);
        }
        Path hooks = f.roots.resolve(path(1).baseName());
        Files.createSymbolicLink(hooks, Path.of(path(1).in(Fixture.STORE)));
        f.open(TWO).close();
        assertTrue(Files.isSymbolicLink(hooks), "a hook is about to spool it");
    }

    @Test
    void withoutAFolderForRootsPathsAreQueuedAndRootedLater() throws Exception {
        Files.delete(f.roots);
        try (Queue queue = f.open(TWO)) {
            assertEquals(
                    "garbage collector roots cannot be made in " + f.roots + ": it does not exist",
                    queue.rootsProblem());
            queue.enqueue(paths(0, 1), null);
            assertFalse(queue.mendRoots(), "nothing can be done about it");
            assertNotNull(queue.rootsProblem());
            Files.createDirectory(f.roots);
            queue.enqueue(paths(1, 2), null);
            assertNotNull(queue.rootsProblem(), "the first has no root yet");
            assertFalse(queue.mendRoots());
            assertNull(queue.rootsProblem());
            assertEquals(Fixture.unsettled(queue), f.rooted());
        }
    }

    @Test
    void missingRootsAreMadeInPortionsAndStaleOnesRemoved() throws Exception {
        Path away = folder.resolve("away");
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 2_500), null);
            Files.move(f.roots, away);
            Files.createFile(f.roots); // in its place
            queue.enqueue(paths(2_500, 2_600), null);
            for (String lane : TWO) {
                f.deliver(queue, lane, path(0));
            }
            assertFalse(queue.mendRoots(), "nothing can be done about it");
            Files.delete(f.roots);
            Files.move(away, f.roots);
            assertEquals(2_500, f.rooted().size());
            assertTrue(queue.mendRoots(), "a thousand");
            assertTrue(queue.mendRoots(), "and a thousand");
            assertFalse(queue.mendRoots(), "and the rest");
            assertEquals(Fixture.unsettled(queue), f.rooted());
            assertNull(queue.rootsProblem());
        }
    }

    @Test
    void staleRootsAreRemovedWhenTheirFolderComesBack() throws Exception {
        Path away = folder.resolve("away");
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), null);
            Files.move(f.roots, away);
            for (String lane : TWO) {
                f.deliver(queue, lane, path(0));
            }
        }
        Files.move(away, f.roots);
        assertEquals(3, f.rooted().size());
        try (Queue queue = f.open(TWO)) {
            assertEquals(Fixture.unsettled(queue), f.rooted());
        }
    }

    @Test
    void theNextWorkerMakesMissingRootsEvenAfterACleanEnd() throws Exception {
        Files.delete(f.roots);
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), null);
        }
        Files.createDirectory(f.roots);
        try (Queue queue = f.open(TWO)) {
            assertEquals(Fixture.unsettled(queue), f.rooted());
            assertNull(queue.rootsProblem());
        }
    }

    /** Longer than a page, so that the queue need not fit into memory. */
    @Test
    void aLongQueueIsComparedWithItsRootsInPagesAndReportsProgress() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 2_500), null);
        }
        for (StorePath each : paths(0, 1_200)) {
            Files.delete(f.roots.resolve(each.baseName()));
        }
        f.progress.clear();
        f.open(TWO).close();
        assertEquals(List.of(), f.progress, "nothing takes long after a clean end");
        f.sql("UPDATE meta SET value = '0' WHERE key = 'clean'");
        try (Queue queue = f.open(TWO)) {
            assertEquals(2_500, f.rooted().size());
            assertEquals(2_500, Fixture.unsettled(queue).size());
        }
        assertEquals(
                List.of(
                        "checking the database, which was not closed",
                        "looked for the roots of 1000 paths",
                        "looked for the roots of 2000 paths",
                        "looked for the roots of 2500 paths",
                        "looked for the paths of 1000 roots",
                        "looked for the paths of 2000 roots",
                        "looked for the paths of 2500 roots"),
                f.progress);
        Files.delete(f.file());
        try (Queue queue = f.open(TWO)) {
            assertEquals(2_500, f.rooted().size());
            assertEquals(f.rooted(), Fixture.unsettled(queue));
        }
    }

    /** After the tags are lost, {@code wait} must not answer that nothing was queued with a tag. */
    @Test
    void aWaitForAnyTagIncludesRecoveredPathsWithoutTags() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 2), "job");
            assertEquals(0, Fixture.outstanding(queue, null));
        }
        Files.delete(f.file());
        try (Queue queue = f.open(TWO)) {
            assertFalse(Fixture.is(queue, t -> t.waits().knownTag("job")));
            assertEquals(2, Fixture.outstanding(queue, null));
            queue.enqueue(paths(2, 3), null); // came later, and has lost nothing
            f.deliver(queue, "ssh://a", path(0));
            assertEquals(2, Fixture.outstanding(queue, null));
            f.deliver(queue, "ssh://b", path(0));
            f.deliver(queue, "ssh://a", path(1));
            f.fail(queue, "ssh://b", path(1), "no");
            f.fail(queue, "ssh://b", path(2), "no");
            assertEquals(0, Fixture.outstanding(queue, null));
        }
    }

    @Test
    void aRootWithAWrongTargetIsReplaced() throws Exception {
        Files.createSymbolicLink(f.roots.resolve(path(0).baseName()), Path.of("/etc"));
        Files.createFile(f.roots.resolve(path(1).baseName()));
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 2), null);
            assertEquals(2, f.rooted().size());
        }
    }

    /** SQLite also reports damage if the disk answers EIO to a read. */
    @Test
    void aTemporaryReadErrorIsNotDamage() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 2), "a-tag");
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
            queue.enqueue(paths(0, 2), null);
            assertThrows(
                    QueueException.class,
                    () ->
                            queue.call(t -> {
                                throw new SQLiteException("bad", SQLiteErrorCode.SQLITE_CORRUPT);
                            }));
            var e = assertThrows(QueueException.class, () -> queue.enqueue(paths(2, 3), null));
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
            queue.enqueue(paths(0, 200), null);
        }
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(200, 201), null);
            dead = f.afterPowerFailure(folder.resolve("dead"));
        }
        f = dead;
        Damage.DIRECTORY_IN_ITS_PLACE.to(f.file());
        assertTrue(Files.exists(f.state.resolve("queue.sqlite-wal")));
        return f.file();
    }

    /** Otherwise a new path would count as recovered without its tag. */
    @Test
    void rowNumbersAreNotReusedAfterAllPathsAreForgotten() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(0, 3), "job");
        }
        Files.delete(f.file());
        try (Queue queue = f.open(TWO)) {
            assertEquals(3, Fixture.outstanding(queue, null));
            for (int i = 0; i < 3; i++) {
                f.deliver(queue, "ssh://a", path(i));
                f.deliver(queue, "ssh://b", path(i));
            }
            f.now = f.now.plus(Duration.ofDays(31));
            queue.forget();
        }
        try (Queue queue = f.open(TWO)) {
            queue.enqueue(paths(5, 6), "other");
            assertEquals(0, Fixture.outstanding(queue, null));
        }
    }

    @Test
    void theFileShrinksAtTheExitIfMostOfItIsFree() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            queue.enqueue(paths(0, 20_000), null);
        }
        long before = Files.size(f.file());
        try (Queue queue = f.open(List.of("ssh://a"))) {
            while (Fixture.lane(queue, "ssh://a").fresh() > 10) {
                queue.call(t -> {
                    List<Verdict> done =
                            t.lane("ssh://a").fresh(1_000).stream()
                                    .filter(entry -> !entry.path().equals(path(7)))
                                    .map(entry -> (Verdict) new Verdict.Delivered(entry))
                                    .toList();
                    t.lane("ssh://a").record(done, 1, f.clock.millis());
                    return true;
                });
            }
            f.now = f.now.plus(Duration.ofDays(31));
            boolean more = true;
            while (more) {
                more = queue.forget();
            }
        }
        long after = Files.size(f.file());
        assertTrue(after < before / 10, () -> before + " bytes became " + after);
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(Set.of(path(7).baseName()), Fixture.unsettled(queue));
            assertEquals(0, f.progress.size(), "the end was clean");
        }
    }

    @Test
    void aFullDiskIsAnErrorThatChangesNothing() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(mount(disk), "this user may not mount a small disk");
        try {
            var small = new Fixture(Files.createDirectory(disk.resolve("state")), f.roots);
            try (Queue queue = small.open(TWO)) {
                queue.enqueue(paths(0, 10), null);
                Path filler = disk.resolve("filler");
                fill(filler);
                var e =
                        assertThrows(
                                QueueException.class,
                                () -> {
                                    for (int i = 1_000; i < 100_000; i += 1_000) {
                                        queue.enqueue(paths(i, i + 1_000), null);
                                    }
                                });
                assertTrue(e.getMessage().contains("SQLITE_FULL"), e.getMessage());
                Set<String> taken = Fixture.unsettled(queue);
                assertEquals(taken, small.rooted(), "nothing of the refused is left");
                assertTrue(taken.size() % 1_000 == 10, "all of a call or nothing");
                assertTrue(small.fatal.isEmpty(), "a full disk is no damage");
                Files.delete(filler);
                queue.enqueue(paths(200_000, 201_000), null);
            }
            try (Queue queue = small.open(TWO)) {
                assertTrue(Fixture.unsettled(queue).contains(path(200_999).baseName()));
                assertEquals(List.of(), queue.damaged());
            }
        } finally {
            run(Tools.find("umount"), disk.toString());
        }
    }

    /**
     * The disk fills up during a statement, not at the commit: SQLite must spill its cache, and the
     * driver closes the statement.
     */
    @Test
    void afterAFullDiskDuringAStatementTheQueueWorksAgain() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(mount(disk), "this user may not mount a small disk");
        try {
            var small = new Fixture(Files.createDirectory(disk.resolve("state")), f.roots);
            try (Queue queue = small.open(TWO)) {
                queue.enqueue(paths(0, 1_000), null);
                Path filler = disk.resolve("filler");
                fill(filler);
                var e =
                        assertThrows(
                                QueueException.class,
                                () -> queue.enqueue(paths(1_000, 30_000), null));
                assertTrue(e.getMessage().contains("SQLITE_FULL"), e.getMessage());
                Files.delete(filler);
                queue.enqueue(paths(50_000, 50_001), null);
                assertEquals(1_001, Fixture.unsettled(queue).size());
                f.deliver(queue, "ssh://a", path(0));
                assertTrue(small.fatal.isEmpty(), "a full disk is no damage");
            }
        } finally {
            run(Tools.find("umount"), disk.toString());
        }
    }

    private static void fill(Path filler) throws IOException {
        try (var out = Files.newOutputStream(filler)) {
            while (true) {
                out.write(new byte[4096]);
            }
        } catch (IOException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("No space left"), e.getMessage());
        }
    }

    private static boolean mount(Path disk) throws Exception {
        return run(Tools.find("mount"), "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString());
    }

    private static boolean run(String... command) throws Exception {
        return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
    }
}
