package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Retry, drop, expiry and pause, as the database sees them. */
class OperatorChangesTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    @Test
    void droppingForgetsAPathInEveryLane() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.fail(queue, "ssh://a", path(0), "no");
            assertTrue(Fixture.is(queue, t -> t.removals().drop(path(0), 1)));
            assertFalse(
                    Fixture.is(queue, t -> t.removals().drop(path(0), 1)),
                    "it is not queued any more");
            assertFalse(Fixture.is(queue, t -> t.removals().drop(path(7), 1)));
            assertEquals(Set.of(path(1).baseName()), Fixture.unsettled(queue));
            assertEquals(Set.of(path(1).baseName()), f.rooted());
        }
    }

    @Test
    void aVerdictForADroppedPathChangesNothing() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            Entry entry = Fixture.entry(queue, "ssh://a", path(0));
            queue.call(t -> t.removals().drop(path(0), 1));
            f.record(queue, "ssh://a", new Verdict.Deferred(entry, 1, 1, 5, "late"));
            f.record(queue, "ssh://a", new Verdict.Failed(entry, 1, "late"));
            f.record(queue, "ssh://a", new Verdict.Delivered(entry));
            assertEquals(Set.of(path(1).baseName()), Fixture.unsettled(queue));
            assertEquals(0, Fixture.lane(queue, "ssh://a").delivered());
        }
    }

    @Test
    void retryMakesFailedAndDeferredPathsDueAndClosesTheBreakers() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
            f.fail(queue, "ssh://a", path(0), "no");
            f.defer(queue, "ssh://a", path(1), 60_000);
            f.defer(queue, "ssh://b", path(1), 60_000);
            var open = new Breaker(3, f.clock.millis() + 60_000, f.clock.millis(), "down");
            for (String lane : TWO) {
                queue.call(t -> {
                    t.lane(lane).breaker(open);
                    return true;
                });
            }
            queue.call(t -> t.retries().retry(path(0), f.clock.millis()));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(
                    List.of("ssh://a DEFERRED", "ssh://b DEFERRED"),
                    Fixture.standing(queue, path(1)));
            queue.call(t -> {
                t.lane("ssh://b").breaker(open);
                return true;
            });
            assertEquals(2, Fixture.count(queue, t -> t.retries().retryAll(f.clock.millis())));
            assertEquals(3, Fixture.fresh(queue, "ssh://a").size());
            assertFalse(Fixture.lane(queue, "ssh://b").breaker().open());
        }
    }

    /** A client may retry every second. */
    @Test
    void retriedPathsComeAfterFreshOnes() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
            f.defer(queue, "ssh://a", path(0), 60_000);
            f.fail(queue, "ssh://a", path(1), "no");
            queue.call(t -> t.retries().retry(path(0), f.clock.millis()));
            queue.call(t -> t.retries().retry(path(1), f.clock.millis()));
            f.enqueue(queue, paths(3, 5), null);
            assertEquals(
                    List.of(path(2), path(3), path(4), path(0), path(1)),
                    Fixture.fresh(queue, "ssh://a"));
            assertEquals(
                    path(4),
                    queue.call(t -> t.lane("ssh://a").youngest()).getFirst().path(),
                    "nor are they what a destination is tried with");
        }
    }

    @Test
    void retriedPathsThatMustBeSignedAgainComeLastToo() throws Exception {
        try (Queue queue = f.open(Fixture.SIGNED)) {
            f.enqueue(queue, paths(0, 3), null);
            for (StorePath each : paths(0, 3)) {
                f.deliver(queue, LaneStore.SIGN, each);
            }
            f.fail(queue, "ssh://a", path(0), "no");
            queue.call(t -> t.retries().retryAll(f.clock.millis()));
            f.enqueue(queue, paths(3, 4), null);
            assertEquals(List.of(path(3), path(0)), Fixture.fresh(queue, LaneStore.SIGN));
            f.deliver(queue, LaneStore.SIGN, path(0));
            f.deliver(queue, LaneStore.SIGN, path(3));
            assertEquals(
                    List.of(path(1), path(2), path(3), path(0)), Fixture.fresh(queue, "ssh://a"));
        }
    }

    @Test
    void failedPathsExpireOneLaneAtATime() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.fail(queue, "ssh://a", path(0), "long ago");
            f.now = f.now.plus(Duration.ofDays(40));
            f.fail(queue, "ssh://a", path(1), "just now");
            long before = f.now.minus(Duration.ofDays(30)).toEpochMilli();
            List<DeliveryRow> expired =
                    queue.call(t -> t.removals().expire(before, 10, f.clock.millis()));
            assertEquals(List.of("long ago"), expired.stream().map(DeliveryRow::reason).toList());
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(2, f.rooted().size());
            f.deliver(queue, "ssh://b", path(0));
            assertEquals(Set.of(path(1).baseName()), f.rooted());
        }
    }

    @Test
    void pauseOutlivesTheWorker() throws Exception {
        long now = f.clock.millis();
        try (Queue queue = f.open(TWO)) {
            assertFalse(Fixture.is(queue, t -> t.meta().paused(now)));
            queue.call(t -> {
                t.meta().pause(42, 0);
                return true;
            });
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(Optional.of(new Pause(42, 0)), queue.call(t -> t.meta().pause(now)));
            queue.call(t -> {
                t.meta().resume();
                return true;
            });
            assertFalse(Fixture.is(queue, t -> t.meta().paused(now)));
        }
    }

    @Test
    void aTimedPauseEndsOnTimeInAnyWorker() throws Exception {
        try (Queue queue = f.open(TWO)) {
            queue.call(t -> {
                t.meta().pause(1_000, 5_000);
                return true;
            });
        }
        try (Queue queue = f.open(TWO)) {
            assertTrue(Fixture.is(queue, t -> t.meta().paused(4_999)));
            assertFalse(Fixture.is(queue, t -> t.meta().paused(5_000)));
            queue.call(t -> {
                t.meta().pause(6_000, 0);
                return true;
            });
            assertTrue(
                    Fixture.is(queue, t -> t.meta().paused(1_000_000)),
                    "the end of an earlier one does not count");
        }
    }
}
