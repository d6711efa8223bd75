package hookqueue.spool;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.base.SomePaths.rule;
import static hookqueue.queue.Fixture.STORE;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import hookqueue.base.Filter;
import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Files that hooks left in the spool, and foreign files there. */
class SpoolIntakeTest {
    @TempDir Path folder;
    private Fixture f;
    private SpoolIntake intake;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
        Files.createDirectories(f.spool());
    }

    /** As at a worker's start. */
    private Queue start() throws Exception {
        return start(Filters.ALL);
    }

    private Queue start(Filters filter) throws Exception {
        Queue queue = f.open(TWO);
        intake = new SpoolIntake(Spool.open(f.state, STORE), queue, filter, f.clock);
        intake.begin();
        return queue;
    }

    private void leave(String name, List<StorePath> paths) throws IOException {
        Files.writeString(f.spool().resolve(name), lines(paths));
    }

    private void leaveWhatCannotBeCommitted(String name) throws Exception {
        f.open(TWO).close();
        f.sql(
                "CREATE TRIGGER full BEFORE INSERT ON path BEGIN SELECT RAISE(ABORT, 'no room'); END");
        leave(name, paths(0, 2));
    }

    private static String lines(List<StorePath> paths) {
        return paths.stream().map(p -> p.in(STORE) + "\n").collect(Collectors.joining());
    }

    private Set<String> left() throws IOException {
        try (Stream<Path> files = Files.list(f.spool())) {
            return files.map(file -> file.getFileName().toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static Set<String> names(List<StorePath> paths) {
        return paths.stream()
                .map(StorePath::baseName)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void spoolFilesAreTakenInAtTheStartAndRooted() throws Exception {
        leave("1700000000-1-a.paths", paths(0, 2));
        leave("1700000001-2-b.paths", paths(2, 4));
        try (Queue queue = start()) {
            assertEquals(names(paths(0, 4)), Fixture.unsettled(queue));
            assertEquals(names(paths(0, 4)), f.rooted());
            assertEquals(Set.of(), left());
        }
    }

    @Test
    void laterSpoolFilesAreTakenInOnRequest() throws Exception {
        try (Queue queue = start()) {
            leave("1700000000-1-a.paths", paths(0, 2));
            f.enqueue(queue, List.of(path(9)), null);
            intake.takeIn();
            assertEquals(names(List.of(path(0), path(1), path(9))), Fixture.unsettled(queue));
            assertEquals(Set.of(), left());
        }
    }

    @Test
    void uncommittedPathsStayInTheSpool() throws Exception {
        leaveWhatCannotBeCommitted("1700000000-1-a.paths");
        try (Queue queue = start()) {
            assertEquals(Set.of(), Fixture.unsettled(queue));
            assertEquals(Set.of("1700000000-1-a.paths"), left());
        }
        f.sql("DROP TRIGGER full");
        try (Queue queue = start()) {
            assertEquals(names(paths(0, 2)), Fixture.unsettled(queue));
            assertEquals(Set.of(), left());
        }
    }

    @Test
    void aFailedCommitIsLoggedOnceDespiteRetries() throws Exception {
        leaveWhatCannotBeCommitted("1700000000-1-a.paths");
        Files.writeString(f.spool().resolve("1700000000-1-b.paths"), "no path\n");
        Files.createDirectory(f.spool().resolve("1700000000-1-c.paths"));
        var told = new ListAppender<ILoggingEvent>();
        var logger = (Logger) LoggerFactory.getLogger("hookqueue.spool");
        told.start();
        logger.addAppender(told);
        try (Queue queue = start()) {
            for (int i = 0; i < 5; i++) {
                intake.takeIn();
            }
        } finally {
            logger.detachAppender(told);
        }
        List<String> errors =
                told.list.stream()
                        .filter(event -> event.getLevel() == Level.ERROR)
                        .map(ILoggingEvent::getFormattedMessage)
                        .toList();
        assertEquals(3, errors.size(), errors::toString);
        for (String each : List.of("cannot take in", "1-b.paths: ", "1-c.paths: not a regular")) {
            assertTrue(errors.stream().anyMatch(e -> e.contains(each)), errors::toString);
        }
    }

    @Test
    void theLastLineMayLackItsEndAndLinesMayBeEmpty() throws Exception {
        Files.writeString(
                f.spool().resolve("1-1-a.paths"),
                "\n" + path(0).in(STORE) + "\r\n\n  " + path(1).in(STORE) + "  ");
        try (Queue queue = start()) {
            assertEquals(names(paths(0, 2)), Fixture.unsettled(queue));
            assertEquals(Set.of(), left());
        }
    }

    @Test
    void unfinishedAndForeignFilesAreLeftAlone() throws Exception {
        leave(".tmp-17", paths(0, 1));
        leave(".hidden.paths", paths(1, 2));
        leave("notes.txt", paths(2, 3));
        leave("1-1-a.paths.rejected", paths(3, 4));
        Files.createDirectory(f.spool().resolve("folder"));
        Set<String> before = left();
        try (Queue queue = start()) {
            f.enqueue(queue, List.of(path(9)), null);
            assertEquals(names(List.of(path(9))), Fixture.unsettled(queue));
            assertEquals(before, left());
        }
    }

    @Test
    void goodLinesOfABadFileAreTakenInAndTheFileIsKept() throws Exception {
        Files.write(
                f.spool().resolve("1-1-a.paths"),
                (lines(paths(0, 1)) + "/etc/passwd\n\0\377\n--help\n" + lines(paths(1, 2)))
                        .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        try (Queue queue = start()) {
            assertEquals(names(paths(0, 2)), Fixture.unsettled(queue));
            assertEquals(Set.of("1-1-a.paths.rejected"), left());
        }
    }

    @Test
    void aFileThatCannotBeRemovedIsTakenInOnce() throws Exception {
        Files.createDirectory(f.spool().resolve("1-1-a.paths.rejected")); // in the way
        Files.writeString(f.spool().resolve("1-1-a.paths"), lines(paths(0, 1)) + "no path\n");
        try (Queue queue = start()) {
            f.deliver(queue, "ssh://a", path(0));
            f.deliver(queue, "ssh://b", path(0));
            leave("2-1-b.paths", paths(1, 2));
            intake.takeIn();
            assertEquals(names(paths(1, 2)), Fixture.unsettled(queue), "and others still come in");
        }
        try (Queue queue = start()) {
            assertEquals(names(paths(0, 2)), Fixture.unsettled(queue));
        }
    }

    @Test
    void neitherALinkNorAFolderNorAHugeFileIsRead() throws Exception {
        Path elsewhere = folder.resolve("elsewhere");
        Files.writeString(elsewhere, lines(paths(0, 1)));
        Files.createSymbolicLink(f.spool().resolve("1-1-link.paths"), elsewhere);
        Files.createDirectory(f.spool().resolve("2-1-folder.paths"));
        Files.writeString(
                f.spool().resolve("3-1-huge.paths"), "\n".repeat(1 << 20) + lines(paths(0, 1)));
        Process fifo =
                new ProcessBuilder("mkfifo", f.spool().resolve("4-1-fifo.paths").toString())
                        .start();
        assertEquals(0, fifo.waitFor());
        leave("5-1-good.paths", paths(50, 51));
        try (Queue queue = start()) {
            assertEquals(names(List.of(path(50))), Fixture.unsettled(queue));
            assertEquals(
                    Set.of(
                            "1-1-link.paths.rejected",
                            "2-1-folder.paths.rejected",
                            "3-1-huge.paths.rejected",
                            "4-1-fifo.paths.rejected"),
                    left());
        }
        assertEquals(lines(paths(0, 1)), Files.readString(elsewhere));
    }

    @Test
    void moreFilesThanOneReadTakesAreAllTakenIn() throws Exception {
        for (int i = 0; i < 510; i++) {
            leave((1_700_000_000 + i) + "-1-a.paths", paths(i, i + 1));
        }
        try (Queue queue = start()) {
            while (!left().isEmpty()) {
                int before = left().size();
                assertTrue(intake.takeIn());
                assertTrue(left().size() < before, "each time some");
            }
            assertEquals(510, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void largeFilesAreTakenInInPortions() throws Exception {
        for (int i = 0; i < 5; i++) {
            leave("1-" + i + "-a.paths", paths(3_000 * i, 3_000 * (i + 1)));
        }
        try (Queue queue = start()) {
            assertEquals(3, left().size(), "two files are more than 5,000 paths");
            intake.takeIn();
            assertEquals(1, left().size());
            intake.takeIn();
            assertEquals(Set.of(), left());
            assertEquals(15_000, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void temporaryFilesOfKilledHooksAreRemovedAfterAnHour() throws Exception {
        leave(".tmp-1-young", paths(0, 1));
        leave(".tmp-2-old", paths(1, 2));
        leave("notes.txt", paths(2, 3));
        leave(".hidden", paths(3, 4));
        Instant now = Instant.now();
        for (String name : left()) {
            Instant written = now.minusSeconds(name.contains("young") ? 3_500 : 3_700);
            Files.setLastModifiedTime(f.spool().resolve(name), FileTime.from(written));
        }
        f.now = now;
        start().close();
        assertEquals(Set.of(".tmp-1-young", "notes.txt", ".hidden"), left());
    }

    @Test
    void aFailedPathThatWasSpooledIsDueAgain() throws Exception {
        try (Queue queue = start()) {
            f.enqueue(queue, paths(0, 1), null);
            f.fail(queue, "ssh://a", path(0), "no");
            leave("1-1-a.paths", paths(0, 1));
            intake.takeIn();
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    /** The hook does not know the filters, so it roots excluded paths, too. */
    @Test
    void theRootOfAnExcludedSpooledPathIsRemoved() throws Exception {
        f.open(TWO).close(); // so that the next start does not compare the roots
        leave("1-1-a.paths", paths(0, 2));
        for (StorePath each : paths(0, 2)) {
            Files.createSymbolicLink(f.roots.resolve(each.baseName()), Path.of(each.in(STORE)));
        }
        try (Queue queue = start(Filters.of(new Filter(null, rule("NPBHQ_EXCLUDE", "p1"))))) {
            assertEquals(names(paths(0, 1)), Fixture.unsettled(queue));
            assertEquals(names(paths(0, 1)), f.rooted());
            assertEquals(Set.of(), left());
        }
    }

    @Test
    void onlySomeProblemsAreKeptInMemory() throws Exception {
        Spool spool = Spool.open(f.state, STORE);
        assertTrue(spool.isNews("first"));
        assertFalse(spool.isNews("first"));
        for (int i = 0; i < 1_000; i++) {
            assertTrue(spool.isNews("another " + i));
        }
        assertTrue(spool.isNews("first"), "it was forgotten");
    }
}
