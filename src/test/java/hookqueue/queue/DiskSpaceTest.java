package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import hookqueue.testkit.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The database on a full disk, and the space that it gives back. */
class DiskSpaceTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    /** Otherwise a new path would count as recovered without its tag. */
    @Test
    void rowNumbersAreNotReusedAfterAllPathsAreForgotten() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), "job");
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
            f.enqueue(queue, paths(5, 6), "other");
            assertEquals(0, Fixture.outstanding(queue, null));
        }
    }

    @Test
    void theFileShrinksAtTheExitIfMostOfItIsFree() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 20_000), null);
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
                f.enqueue(queue, paths(0, 10), null);
                Path filler = disk.resolve("filler");
                fill(filler);
                var e =
                        assertThrows(
                                QueueException.class,
                                () -> {
                                    for (int i = 1_000; i < 100_000; i += 1_000) {
                                        f.enqueue(queue, paths(i, i + 1_000), null);
                                    }
                                });
                assertTrue(e.getMessage().contains("SQLITE_FULL"), e.getMessage());
                Set<String> taken = Fixture.unsettled(queue);
                assertEquals(taken, small.rooted(), "nothing of the refused is left");
                assertTrue(taken.size() % 1_000 == 10, "all of a call or nothing");
                assertTrue(small.fatal.isEmpty(), "a full disk is no damage");
                Files.delete(filler);
                f.enqueue(queue, paths(200_000, 201_000), null);
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
                f.enqueue(queue, paths(0, 1_000), null);
                Path filler = disk.resolve("filler");
                fill(filler);
                var e =
                        assertThrows(
                                QueueException.class,
                                () -> f.enqueue(queue, paths(1_000, 30_000), null));
                assertTrue(e.getMessage().contains("SQLITE_FULL"), e.getMessage());
                Files.delete(filler);
                f.enqueue(queue, paths(50_000, 50_001), null);
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
