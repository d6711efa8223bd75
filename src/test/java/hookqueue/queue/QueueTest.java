package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operations on a healthy queue. */
class QueueTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    @Test
    void acknowledgedPathsAreRootedAndSurviveAPowerFailure() throws Exception {
        try (Queue queue = f.open(TWO)) {
            for (int i = 0; i < 20; i++) {
                f.enqueue(queue, List.of(path(i)), null);
                assertTrue(f.rooted().contains(path(i).baseName()), "rooted before the answer");
                Fixture later = f.afterPowerFailure(folder.resolve("after" + i));
                try (Queue next = later.open(TWO)) {
                    assertEquals(i + 1, Fixture.unsettled(next).size(), "after " + i);
                    assertEquals(i + 1, later.rooted().size());
                }
            }
        }
    }

    @Test
    void whoSeesADeliveryCanWaitForTheRemovalOfItsRoot() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            for (int round = 0; round < 5; round++) {
                f.enqueue(queue, paths(0, 1_000), null);
                var running = new CountDownLatch(1);
                var delivery =
                        queue.submit(t -> {
                            LaneStore lane = t.lane("ssh://a");
                            var delivered = new ArrayList<Verdict>();
                            lane.fresh(1_000).forEach(e -> delivered.add(new Verdict.Delivered(e)));
                            lane.record(delivered, 10, f.clock.millis());
                            running.countDown();
                            return true;
                        });
                running.await(); // the question has a transaction of its own
                assertTrue(Fixture.is(queue, t -> t.lane("ssh://a").fresh(1).isEmpty()));
                queue.awaitRoots();
                assertEquals(Set.of(), f.rooted());
                delivery.await();
            }
        }
    }

    @Test
    void whatWasCommittedBeforeTheEndIsAcknowledged() throws Exception {
        Queue queue = f.open(TWO);
        var some = new Filters.Selection(paths(0, 2_000), List.of(), Map.of());
        var queued =
                queue.submit(t -> {
                    t.paths().enqueue(some, null, f.clock.millis());
                    return true;
                });
        queue.close(); // while the thread roots makes the roots
        assertTrue(queued.await());
    }

    @Test
    void callersThatWaitTogetherShareOneCommit() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, List.of(path(1_000)), null);
            int before = f.commits();
            var entered = new CountDownLatch(1);
            var go = new CountDownLatch(1);
            var threads = new ArrayList<Thread>();
            threads.add(
                    caller(() ->
                            queue.call(t -> {
                                entered.countDown();
                                await(go);
                                return true;
                            })));
            entered.await();
            for (int i = 0; i < 200; i++) {
                var one = List.of(path(i));
                threads.add(caller(() -> f.enqueue(queue, one, null)));
            }
            for (Thread thread : threads) {
                while (thread.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
            }
            go.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(201, Fixture.unsettled(queue).size());
            assertEquals(before + 1, f.commits(), "200 callers, one commit");
        }
    }

    private interface Call {
        void run() throws Exception;
    }

    private static Thread caller(Call call) {
        var thread =
                new Thread(() -> {
                    try {
                        call.run();
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
        thread.start();
        return thread;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aFailingTaskDoesNotFailTheOthers() throws Exception {
        try (Queue queue = f.open(TWO)) {
            var entered = new CountDownLatch(1);
            var go = new CountDownLatch(1);
            Thread first =
                    caller(() ->
                            queue.call(t -> {
                                entered.countDown();
                                await(go);
                                return true;
                            }));
            entered.await();
            var some = Filters.ALL.select(paths(50, 60));
            var failure = new ArrayList<QueueException>();
            Thread bad =
                    caller(() -> {
                        failure.add(
                                assertThrows(
                                        QueueException.class,
                                        () ->
                                                queue.call(t -> {
                                                    t.paths().enqueue(some, null, 0);
                                                    throw new SQLException("no");
                                                })));
                    });
            Thread good = caller(() -> f.enqueue(queue, List.of(path(1)), null));
            for (Thread thread : List.of(bad, good)) {
                while (thread.getState() != Thread.State.WAITING) {
                    Thread.sleep(1);
                }
            }
            go.countDown();
            for (Thread thread : List.of(first, bad, good)) {
                thread.join();
            }
            assertEquals("the queue's database: no", failure.getFirst().getMessage());
            assertEquals(Set.of(path(1).baseName()), Fixture.unsettled(queue));
            assertEquals(Set.of(path(1).baseName()), f.rooted());
        }
    }

    @Test
    void aQueuedPathKeepsItsPlaceWhenQueuedAgain() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), null);
            f.deliver(queue, "ssh://a", path(1));
            f.defer(queue, "ssh://b", path(1), 60_000);
            f.enqueue(queue, List.of(path(1), path(1)), null);
            assertEquals(List.of("ssh://b DEFERRED"), Fixture.standing(queue, path(1)));
            assertEquals(List.of(path(0), path(2)), Fixture.fresh(queue, "ssh://a"));
        }
    }

    @Test
    void aFailedPathThatIsQueuedAgainIsDueAgainWhereItFailed() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, "ssh://a", path(0));
            f.fail(queue, "ssh://b", path(0), "no");
            assertEquals(1, queue.call(t -> t.reports().failed(0, 10)).size());
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(0, Fixture.entry(queue, "ssh://b", path(0)).failures());
        }
    }

    @Test
    void aSettledPathThatIsQueuedAgainGoesEverywhereAgain() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, "ssh://a", path(0));
            assertEquals(Set.of(path(0).baseName()), f.rooted(), "one lane still needs it");
            f.deliver(queue, "ssh://b", path(0));
            assertEquals(Set.of(), f.rooted());
            assertEquals(
                    Optional.of(f.clock.millis()), queue.call(t -> t.reports().settledAt(path(0))));
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(Set.of(path(0).baseName()), f.rooted());
            assertEquals(Optional.empty(), queue.call(t -> t.reports().settledAt(path(0))));
        }
    }

    @Test
    void aFailedPathKeepsItsRoot() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 1), null);
            f.fail(queue, "ssh://a", path(0), "no");
            assertEquals(Set.of(path(0).baseName()), f.rooted());
        }
    }

    @Test
    void tagsGroupPathsForWait() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), "one");
            f.enqueue(queue, paths(2, 5), "two");
            assertEquals(3, Fixture.outstanding(queue, "one"));
            assertEquals(3, Fixture.outstanding(queue, "two"));
            assertEquals(0, Fixture.outstanding(queue, "three"));
            assertEquals(
                    10, Fixture.count(queue, t -> t.waits().outstanding()), "by path and lane");
            assertFalse(Fixture.is(queue, t -> t.waits().knownTag("three")));
            for (String lane : TWO) {
                f.deliver(queue, lane, path(2));
            }
            assertEquals(2, Fixture.outstanding(queue, "one"));
            f.fail(queue, "ssh://a", path(0), "no");
            f.deliver(queue, "ssh://b", path(0));
            assertEquals(1, Fixture.outstanding(queue, "one"));
        }
    }

    @Test
    void aSettledPathIsForgottenAfterThirtyDaysWithItsTag() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 2), "t");
            f.deliver(queue, "ssh://a", path(0));
        }
        f.now = f.now.plus(Duration.ofDays(31));
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertFalse(Fixture.is(queue, t -> t.waits().id(path(0)).isPresent()));
            assertTrue(
                    Fixture.is(queue, t -> t.waits().id(path(1)).isPresent()), "it is not settled");
            assertTrue(Fixture.is(queue, t -> t.waits().knownTag("t")));
        }
        assertEquals(1, f.number("SELECT count(*) FROM tag"));
    }

    @Test
    void noMoreSettledPathsAreRememberedThanTheLimit() throws Exception {
        try (Queue queue = f.open(List.of("ssh://a"))) {
            f.enqueue(queue, paths(0, 10), null);
            for (int i = 0; i < 10; i++) {
                f.now = f.now.plusSeconds(1);
                f.deliver(queue, "ssh://a", path(i));
            }
            queue.call(t -> {
                assertFalse(t.paths().forget(0, 3));
                return true;
            });
            assertEquals(
                    List.of(6, 7, 8, 9),
                    java.util.stream.IntStream.range(0, 10)
                            .filter(i -> known(queue, path(i)))
                            .boxed()
                            .toList(),
                    "the youngest, and no unsettled one is ever forgotten");
        }
    }

    private static boolean known(Queue queue, StorePath path) {
        try {
            return queue.call(t -> t.waits().id(path).isPresent());
        } catch (QueueException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theOldestPathIsOneThatAConfiguredLaneStillMustDeliver() throws Exception {
        Instant first = f.now;
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.fail(queue, "ssh://a", path(0), "no");
            f.now = f.now.plusSeconds(5);
            f.enqueue(queue, paths(1, 2), null);
            assertEquals(first.toEpochMilli(), queue.call(t -> t.reports().oldest()).orElseThrow());
            f.deliver(queue, "ssh://b", path(0));
            assertEquals(f.now.toEpochMilli(), queue.call(t -> t.reports().oldest()).orElseThrow());
            f.deliver(queue, "ssh://a", path(1));
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertTrue(
                    queue.call(t -> t.reports().oldest()).isEmpty(),
                    "it waits for a lane that is gone");
        }
    }

    @Test
    void aClockThatWasSetBackDoesNotDeferForLonger() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.defer(queue, "ssh://a", path(0), 900_000);
            long longest = Duration.ofMinutes(20).toMillis();
            long now = f.clock.millis();
            assertEquals(0, queue.call(t -> t.lane("ssh://a").due(now, longest, 9)).size());
            long earlier = now - Duration.ofDays(300).toMillis();
            assertEquals(1, queue.call(t -> t.lane("ssh://a").due(earlier, longest, 9)).size());
        }
    }

    @Test
    void pagesContainWholePathsInOrderOfArrival() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 25), null);
            var seen = new ArrayList<String>();
            long after = 0;
            while (true) {
                long last = after;
                List<DeliveryRow> page = queue.call(t -> t.reports().list(last, 10));
                if (page.isEmpty()) {
                    break;
                }
                assertEquals(0, page.size() % 2, "no path is cut in two");
                page.forEach(row -> seen.add(row.path().name() + " " + row.lane()));
                after = page.getLast().id();
            }
            var expected = new ArrayList<String>();
            for (int i = 0; i < 25; i++) {
                expected.add("p" + i + " ssh://a");
                expected.add("p" + i + " ssh://b");
            }
            assertEquals(expected, seen);
        }
    }

    @Test
    void aChangeWakesWaiters() throws Exception {
        try (Queue queue = f.open(TWO)) {
            long seen = queue.version();
            Thread waiter =
                    caller(() -> {
                        queue.awaitChange(seen, 60_000);
                    });
            f.enqueue(queue, paths(0, 1), null);
            assertTrue(waiter.join(Duration.ofSeconds(20)));
            long then = queue.version();
            queue.call(t -> t.reports().lanes());
            assertEquals(then, queue.version(), "looking changes nothing");
        }
    }

    @Test
    void aClosedQueueFailsItsCallersInsteadOfHanging() throws Exception {
        Queue queue = f.open(TWO);
        queue.close();
        var e = assertThrows(QueueException.class, () -> f.enqueue(queue, paths(0, 1), null));
        assertEquals("the queue's database: the queue is closed", e.getMessage());
    }

    @Test
    void aClosedQueueLeavesOneFileWithAMarkOfACleanEnd() throws Exception {
        f.open(TWO).close();
        assertFalse(Files.exists(f.state.resolve("queue.sqlite-wal")), "the log is merged");
        assertEquals(1, f.number("SELECT count(*) FROM meta WHERE key = 'clean' AND value = '1'"));
    }
}
