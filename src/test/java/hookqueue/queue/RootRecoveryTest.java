package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows and roots are compared after an unclean end, and roots are mended. */
class RootRecoveryTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    /** A crash between the commit and the roots: missing and stale roots are both repaired. */
    @Test
    void afterAnUncleanEndTheRootsAreComparedWithTheRows() throws Exception {
        Fixture dead;
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 4), null);
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

    /** The row and the index both have the name; SQLite does not notice a flip in either. */
    @Test
    void aNameWithAFlippedBitIsRecoveredFromTheRoot() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
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

    @Test
    void afterACleanEndTheRootsAreNotCompared() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
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
            f.enqueue(queue, paths(0, 1), null);
            assertFalse(queue.mendRoots(), "nothing can be done about it");
            assertNotNull(queue.rootsProblem());
            Files.createDirectory(f.roots);
            f.enqueue(queue, paths(1, 2), null);
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
            f.enqueue(queue, paths(0, 2_500), null);
            Files.move(f.roots, away);
            Files.createFile(f.roots); // in its place
            f.enqueue(queue, paths(2_500, 2_600), null);
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
            f.enqueue(queue, paths(0, 3), null);
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
            f.enqueue(queue, paths(0, 3), null);
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
            f.enqueue(queue, paths(0, 2_500), null);
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
            f.enqueue(queue, paths(0, 2), "job");
            assertEquals(0, Fixture.outstanding(queue, null));
        }
        Files.delete(f.file());
        try (Queue queue = f.open(TWO)) {
            assertFalse(Fixture.is(queue, t -> t.waits().knownTag("job")));
            assertEquals(2, Fixture.outstanding(queue, null));
            f.enqueue(queue, paths(2, 3), null); // came later, and has lost nothing
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
            f.enqueue(queue, paths(0, 2), null);
            assertEquals(2, f.rooted().size());
        }
    }
}
