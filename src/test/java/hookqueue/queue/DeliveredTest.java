package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.SIGNED;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import hookqueue.base.StorePath;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Remembered deliveries, and how a path is sent to a destination again. */
class DeliveredTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private static List<StorePath> delivered(Queue queue, String lane) throws Exception {
        var all = new ArrayList<StorePath>();
        List<LaneStore.Delivered> page = queue.call(t -> t.lane(lane).deliveredAfter(0, 3));
        while (!page.isEmpty()) {
            page.forEach(each -> all.add(each.path()));
            long last = page.getLast().id();
            page = queue.call(t -> t.lane(lane).deliveredAfter(last, 3));
        }
        return all;
    }

    @Test
    void deliveriesAreRememberedByDestinationAndOutliveTheWorker() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 10), null);
            for (int i = 0; i < 7; i++) {
                f.deliver(queue, "ssh://a", path(i));
            }
            f.deliver(queue, "ssh://b", path(0));
            f.fail(queue, "ssh://b", path(1), "no");
            queue.call(t -> t.removals().drop(path(2), f.clock.millis()));
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(paths(0, 7), delivered(queue, "ssh://a"));
            assertEquals(paths(0, 1), delivered(queue, "ssh://b"));
            assertEquals(
                    f.clock.millis(),
                    queue.call(t -> t.lane("ssh://b").deliveredAfter(0, 9)).getFirst().at());
        }
    }

    @Test
    void aSignatureIsNotADelivery() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, LaneStore.SIGN, path(0));
            assertEquals(List.of(), delivered(queue, LaneStore.SIGN));
        }
    }

    @Test
    void deliveriesAreForgottenWithTheirPath() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.deliver(queue, "ssh://a", path(0));
            f.deliver(queue, "ssh://b", path(0));
            f.deliver(queue, "ssh://a", path(1));
            f.now = f.now.plus(Duration.ofDays(31));
            queue.forget();
            assertEquals(paths(1, 2), delivered(queue, "ssh://a"), "it is not settled");
        }
        assertEquals(1, f.number("SELECT count(*) FROM delivered"));
    }

    @Test
    void aLostPathIsQueuedAgainForTheDestinationThatLostIt() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            for (int i = 0; i < 2; i++) {
                f.deliver(queue, "ssh://a", path(i));
                f.deliver(queue, "ssh://b", path(i));
            }
            f.now = f.now.plusSeconds(60);
            requeue(queue, path(0), "ssh://b");
            requeue(queue, path(0), "ssh://b");
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(Set.of(path(0).baseName()), f.rooted());
            assertEquals(paths(1, 2), delivered(queue, "ssh://b"), "no verify asks for it now");
            f.fail(queue, "ssh://b", path(0), "no");
            requeue(queue, path(0), "ssh://b");
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            f.deliver(queue, "ssh://b", path(0));
            assertEquals(Set.of(), f.rooted());
            assertEquals(
                    f.clock.millis(),
                    queue.call(t -> t.lane("ssh://b").deliveredAfter(0, 9)).getFirst().at());
        }
    }

    @Test
    void aForgottenOrNewPathCanBeQueuedForOneDestination() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            requeue(queue, path(0), "ssh://b");
            assertEquals(List.of("sign FRESH", "ssh://b HELD"), Fixture.standing(queue, path(0)));
            f.enqueue(queue, paths(1, 2), null);
            assertEquals(
                    List.of(path(0), path(1)), Fixture.fresh(queue, LaneStore.SIGN), "other rows");
            for (String lane : List.of(LaneStore.SIGN, "ssh://z")) {
                assertThrows(QueueException.class, () -> requeue(queue, path(0), lane), lane);
            }
        }
    }

    private void requeue(Queue queue, StorePath path, String lane) throws Exception {
        queue.call(t -> {
            t.paths().requeue(path, lane, f.clock.millis());
            return true;
        });
    }

    /** The file is from a worker of that version: three paths, one of them delivered. */
    @Test
    void aDatabaseOfVersionThreeIsMigrated() throws Exception {
        try (InputStream old = getClass().getResourceAsStream("/queue-version-3.sqlite")) {
            Files.write(f.file(), Objects.requireNonNull(old).readAllBytes());
        }
        assertEquals(3, f.number("PRAGMA user_version"));
        try (Queue queue = f.open(TWO)) {
            assertEquals(
                    List.of("ssh://a FAILED", "ssh://b FRESH"), Fixture.standing(queue, path(1)));
            assertEquals(
                    List.of("ssh://a DEFERRED", "ssh://b FRESH"), Fixture.standing(queue, path(2)));
            assertEquals(2, Fixture.outstanding(queue, "job"));
            assertEquals(List.of(), delivered(queue, "ssh://a"), "it is not known which");
            f.deliver(queue, "ssh://b", path(1));
            assertEquals(paths(1, 2), delivered(queue, "ssh://b"));
        }
        assertEquals(Schema.VERSION, f.number("PRAGMA user_version"));
    }
}
