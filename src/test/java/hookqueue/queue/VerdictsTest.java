package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.SIGNED;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A verdict counts only if the entry has not changed since the lane read it. */
class VerdictsTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    @Test
    void aRetryDuringARunIsNotUndoneByItsFailure() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            for (int i = 0; i < 2; i++) {
                f.defer(queue, "ssh://a", path(i), 0);
            }
            Entry one = Fixture.entry(queue, "ssh://a", path(0));
            Entry two = Fixture.entry(queue, "ssh://a", path(1));
            queue.call(t -> t.retries().retryAll(f.clock.millis())); // in the same millisecond
            f.record(queue, "ssh://a", new Verdict.Deferred(one, 9, 9, f.clock.millis(), "late"));
            f.record(queue, "ssh://a", new Verdict.Failed(two, 9, "late"));
            assertEquals(List.of(path(0), path(1)), Fixture.fresh(queue, "ssh://a"));
            assertEquals(0, Fixture.entry(queue, "ssh://a", path(0)).inconclusive());
            assertEquals(0, Fixture.entry(queue, "ssh://a", path(1)).failures());
        }
    }

    @Test
    void aPathThatWasDroppedAndQueuedAgainDuringARunStartsAnew() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 3), null);
            for (int i = 0; i < 3; i++) {
                f.deliver(queue, LaneStore.SIGN, path(i));
            }
            List<Entry> run = queue.call(t -> t.lane("ssh://a").fresh(3));
            f.now = f.now.plusSeconds(1);
            for (int i = 0; i < 3; i++) {
                int number = i;
                queue.call(t -> t.removals().drop(path(number), f.clock.millis()));
            }
            f.enqueue(queue, paths(0, 3), null);
            f.record(queue, "ssh://a", new Verdict.Failed(run.get(0), 1, "late"));
            f.record(queue, "ssh://a", new Verdict.Deferred(run.get(1), 1, 1, 5, "late"));
            f.record(queue, "ssh://a", new Verdict.Delivered(run.get(2)));
            for (int i = 0; i < 3; i++) {
                assertEquals(
                        List.of("sign FRESH", "ssh://a HELD", "ssh://b HELD"),
                        Fixture.standing(queue, path(i)),
                        "it may have been built again, and is signed first");
            }
            assertEquals(0, Fixture.lane(queue, "ssh://a").delivered());
        }
    }

    @Test
    void anOldSignatureDoesNotReleaseAPathThatWasQueuedAgain() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 1), null);
            Entry run = Fixture.entry(queue, LaneStore.SIGN, path(0));
            f.now = f.now.plusSeconds(1);
            queue.call(t -> t.removals().drop(path(0), f.clock.millis()));
            f.enqueue(queue, paths(0, 1), null);
            f.record(queue, LaneStore.SIGN, new Verdict.Delivered(run));
            assertEquals(
                    List.of("sign FRESH", "ssh://a HELD", "ssh://b HELD"),
                    Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void aPathThatIsQueuedAgainWhileItIsUploadedIsDeliveredByThatRun() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 1), null);
            Entry run = Fixture.entry(queue, "ssh://a", path(0));
            f.now = f.now.plusSeconds(1);
            f.enqueue(queue, paths(0, 1), null);
            f.record(queue, "ssh://a", new Verdict.Delivered(run));
            assertEquals(Set.of(), Fixture.unsettled(queue));
            assertEquals(Set.of(), f.rooted());
        }
    }

    /** Another slot of the lane has proved that the destination works. */
    @Test
    void aVerdictStillCountsAfterARetryOfTheEntry() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 1), null);
            f.defer(queue, "ssh://a", path(0), 60_000);
            Entry run = Fixture.entry(queue, "ssh://a", path(0));
            queue.call(t -> {
                t.lane("ssh://a").hasten(f.clock.millis());
                return true;
            });
            f.record(queue, "ssh://a", new Verdict.Failed(run, 1, "no"));
            assertEquals(List.of("ssh://a FAILED"), Fixture.standing(queue, path(0)));
        }
    }
}
