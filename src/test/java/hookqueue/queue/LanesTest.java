package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.base.SomePaths.rule;
import static hookqueue.queue.Fixture.SIGNED;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filter;
import hookqueue.base.Filters;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Added and removed destinations, and the lane that signs before them. */
class LanesTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    @Test
    void aRemovedLaneKeepsItsRowsAndContinuesWhenItComesBack() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.defer(queue, "ssh://b", path(1), 60_000);
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertFalse(Fixture.lane(queue, "ssh://b").configured());
            assertEquals(
                    2, Fixture.count(queue, t -> t.waits().outstanding()), "nobody waits for b");
            f.deliver(queue, "ssh://a", path(0));
            f.deliver(queue, "ssh://a", path(1));
            assertEquals(0, Fixture.count(queue, t -> t.waits().outstanding()));
            assertEquals(2, f.rooted().size(), "b may come back");
            f.enqueue(queue, List.of(path(5)), null);
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(5)));
            assertThrows(QueueException.class, () -> queue.call(t -> t.lane("ssh://b").fresh(1)));
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(List.of("ssh://b DEFERRED"), Fixture.standing(queue, path(1)));
            f.deliver(queue, "ssh://b", path(0));
            f.deliver(queue, "ssh://b", path(1));
            assertEquals(Set.of(path(5).baseName()), f.rooted());
        }
    }

    /**
     * The queue, the counts and what is known of deliveries stay; nothing moves or is sent again.
     */
    @Test
    void aDestinationKeepsItsLaneWhenItsNameChanges() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 3), "job");
            f.deliver(queue, "ssh://b", path(0));
            f.defer(queue, "ssh://b", path(1), 60_000);
        }
        for (String name : List.of("cache", "backup", "ssh://b")) {
            Map<String, String> urls = name.equals("ssh://b") ? Map.of() : Map.of(name, "ssh://b");
            List<String> lanes = List.of("ssh://a", name);
            try (Queue queue = f.open(lanes, urls, Filters.ALL)) {
                assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(0)));
                assertEquals(
                        List.of("ssh://a FRESH", name + " DEFERRED"),
                        Fixture.standing(queue, path(1)));
                assertEquals(1, Fixture.lane(queue, name).delivered());
                assertEquals(2, queue.call(t -> t.reports().lanes()).size());
            }
            try (Queue queue = f.open(lanes.reversed().subList(0, 1), urls, Filters.ALL)) {
                assertEquals(
                        List.of("ssh://a FRESH"),
                        Fixture.standing(queue, path(0)),
                        "a name is no new destination, which would get what waits for others");
            }
        }
    }

    @Test
    void aNameWithAnotherUrlIsAnotherDestination() throws Exception {
        try (Queue queue = f.open(List.of("old"), Map.of("old", "ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 2), null);
            f.deliver(queue, "old", path(0));
        }
        try (Queue queue = f.open(List.of("new"), Map.of("new", "ssh://b"), Filters.ALL)) {
            assertEquals(0, Fixture.lane(queue, "new").delivered());
            assertEquals(List.of("new FRESH"), Fixture.standing(queue, path(1)), "it moved");
        }
        try (Queue queue = f.open(List.of("new"), Map.of("new", "ssh://a"), Filters.ALL)) {
            assertEquals(0, Fixture.lane(queue, "new").delivered(), "the name has its own lane");
        }
    }

    /** The settings name another destination, for example one that was mistyped before. */
    @Test
    void pathsOfARemovedDestinationMoveToTheOneThatIsAdded() throws Exception {
        try (Queue queue = f.open(List.of("ssh://old"))) {
            f.enqueue(queue, paths(0, 3), "job");
            f.defer(queue, "ssh://old", path(1), 60_000);
            f.fail(queue, "ssh://old", path(2), "no such host");
        }
        try (Queue queue = f.open(List.of("ssh://new"))) {
            assertEquals(3, Fixture.outstanding(queue, "job"));
            for (int i = 0; i < 3; i++) {
                assertEquals(List.of("ssh://new FRESH"), Fixture.standing(queue, path(i)));
            }
            f.enqueue(queue, List.of(path(0)), null);
            f.deliver(queue, "ssh://new", path(0));
            assertEquals(2, f.rooted().size());
        }
    }

    private static Filters onlyP1ForB() {
        return new Filters(
                Filter.ALL,
                TWO,
                Map.of("ssh://b", new Filter(rule("NPBHQ_INCLUDE_b", "p1$"), null)));
    }

    @Test
    void aDestinationThatExcludesAPathGetsNoEntry() throws Exception {
        try (Queue queue = f.open(SIGNED, onlyP1ForB())) {
            var some = onlyP1ForB().select(paths(0, 2));
            queue.call(t -> {
                t.paths().enqueue(some, "job", 0);
                return true;
            });
            assertEquals(List.of("sign FRESH", "ssh://a HELD"), Fixture.standing(queue, path(0)));
            assertEquals(
                    List.of("sign FRESH", "ssh://a HELD", "ssh://b HELD"),
                    Fixture.standing(queue, path(1)));
            f.deliver(queue, "sign", path(0));
            f.deliver(queue, "ssh://a", path(0));
            assertEquals(1, Fixture.outstanding(queue, "job"), "the path is settled");
        }
    }

    /** The operator has changed the filter, and a client queues the path again. */
    @Test
    void aPathThatIsQueuedAgainGoesToTheDestinationThatExcludedItBefore() throws Exception {
        var some = onlyP1ForB().select(paths(0, 1));
        try (Queue queue = f.open(TWO, onlyP1ForB())) {
            queue.call(t -> {
                t.paths().enqueue(some, null, 0);
                return true;
            });
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(0)));
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(0)));
            f.deliver(queue, "ssh://b", path(0));
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(
                    List.of("ssh://a FRESH"),
                    Fixture.standing(queue, path(0)),
                    "ssh://b has had it");
        }
    }

    @Test
    void aPathMovesToNoDestinationThatExcludesIt() throws Exception {
        try (Queue queue = f.open(List.of("ssh://old"))) {
            f.enqueue(queue, paths(0, 2), null);
        }
        var filters =
                new Filters(
                        Filter.ALL,
                        List.of("ssh://new"),
                        Map.of("ssh://new", new Filter(rule("NPBHQ_INCLUDE_new", "p1$"), null)));
        try (Queue queue = f.open(List.of("ssh://new"), filters)) {
            assertEquals(List.of("ssh://old FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(List.of("ssh://new FRESH"), Fixture.standing(queue, path(1)));
        }
    }

    /** The rows of an older worker, which did not move any. */
    @Test
    void pathsThatWereStrandedBeforeAnUpgradeMoveToo() throws Exception {
        try (Queue queue = f.open(List.of("ssh://old"))) {
            f.enqueue(queue, paths(0, 1), null);
        }
        f.sql(
                "UPDATE lane SET configured = 0",
                "INSERT INTO lane (name, configured, generation) VALUES ('ssh://new', 1, 2)",
                "UPDATE meta SET value = 2 WHERE key = 'generation'",
                "DELETE FROM meta WHERE key = 'moved'");
        try (Queue queue = f.open(List.of("ssh://new"))) {
            assertEquals(List.of("ssh://new FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    /** More than one page of paths; their rows in other lanes stay unchanged. */
    @Test
    void onlyTheDeliveriesOfTheRemovedDestinationMove() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2_500), null);
            f.deliver(queue, "ssh://b", path(0));
            f.defer(queue, "ssh://a", path(1), 60_000);
            f.deliver(queue, "ssh://a", path(2));
        }
        try (Queue queue = f.open(List.of("ssh://a", "ssh://c", "ssh://d"))) {
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(
                    List.of("ssh://a DEFERRED", "ssh://c FRESH", "ssh://d FRESH"),
                    Fixture.standing(queue, path(1)));
            assertEquals(
                    List.of("ssh://c FRESH", "ssh://d FRESH"), Fixture.standing(queue, path(2)));
            assertEquals(2_499, Fixture.lane(queue, "ssh://c").fresh());
            assertEquals(2_499, Fixture.lane(queue, "ssh://d").fresh());
            f.deliver(queue, "ssh://c", path(2));
            f.enqueue(queue, List.of(path(2)), null);
            assertEquals(
                    List.of("ssh://d FRESH"),
                    Fixture.standing(queue, path(2)),
                    "it has been there already");
        }
    }

    @Test
    void aPathWaitsForARemovedDestinationWhenTheOthersHaveIt() throws Exception {
        List<String> both = List.of("ssh://a", "ssh://far");
        try (Queue queue = f.open(both)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, "ssh://a", path(0));
        }
        f.open(List.of("ssh://far")).close();
        f.open(both).close(); // now ssh://a is newer than the path
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(List.of("ssh://far FRESH"), Fixture.standing(queue, path(0)));
        }
        try (Queue queue = f.open(both)) {
            assertEquals(List.of("ssh://far FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void aLaterDestinationGetsThePathWhenTheFirstIsRemoved() throws Exception {
        try (Queue queue = f.open(List.of("ssh://b"))) {
            f.enqueue(queue, paths(0, 1), null);
        }
        f.open(TWO).close();
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    /**
     * The other destination has the path or still gets it. The removal may be a mistake of the
     * operator.
     */
    @Test
    void pathsOfARetiredDestinationWaitForTheNextOne() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.deliver(queue, "ssh://a", path(0));
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(1)));
        }
        try (Queue queue = f.open(List.of("ssh://a", "ssh://c"))) {
            assertEquals(List.of("ssh://c FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://c FRESH"), Fixture.standing(queue, path(1)));
        }
    }

    @Test
    void aPathThatIsQueuedAgainGoesToADestinationThatWasAddedSince() throws Exception {
        try (Queue queue = f.open(List.of("ssh://old"))) {
            f.enqueue(queue, paths(0, 2), null);
        }
        try (Queue queue = f.open(List.of("ssh://old", "ssh://new"))) {
            f.enqueue(queue, List.of(path(0)), "job");
            assertEquals(
                    List.of("ssh://old FRESH", "ssh://new FRESH"),
                    Fixture.standing(queue, path(0)));
            assertEquals(List.of("ssh://old FRESH"), Fixture.standing(queue, path(1)));
            f.deliver(queue, "ssh://new", path(0));
            f.enqueue(queue, List.of(path(0)), null);
            assertEquals(
                    List.of("ssh://old FRESH"),
                    Fixture.standing(queue, path(0)),
                    "it is there already");
        }
    }

    @Test
    void aRetryAffectsOnlyConfiguredDestinations() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.deliver(queue, "ssh://a", path(0));
            f.fail(queue, "ssh://a", path(1), "no");
            for (int i = 0; i < 2; i++) {
                f.fail(queue, "ssh://b", path(i), "no");
            }
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            long now = f.clock.millis();
            assertEquals(
                    RetryStore.Retried.NO_DESTINATION,
                    queue.call(t -> t.retries().retry(path(0), now)));
            assertEquals(
                    RetryStore.Retried.NOT_QUEUED,
                    queue.call(t -> t.retries().retry(path(7), now)));
            assertEquals(List.of("ssh://b FAILED"), Fixture.standing(queue, path(0)));
            assertEquals(1, Fixture.count(queue, t -> t.retries().retryAll(now)));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FAILED"), Fixture.standing(queue, path(1)));
            f.fail(queue, "ssh://a", path(1), "no");
            assertEquals(RetryStore.Retried.DUE, queue.call(t -> t.retries().retry(path(1), now)));
        }
    }

    @Test
    void droppingADestinationForgetsItsPathsSomeAtATime() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 25), null);
            f.deliver(queue, "ssh://a", path(0));
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            long now = f.clock.millis();
            assertEquals(
                    Optional.of(10), queue.call(t -> t.removals().dropLane("ssh://b", 10, now)));
            assertEquals(
                    Optional.of(15), queue.call(t -> t.removals().dropLane("ssh://b", 100, now)));
            assertEquals(
                    Optional.of(0), queue.call(t -> t.removals().dropLane("ssh://b", 100, now)));
            assertEquals(
                    Optional.empty(), queue.call(t -> t.removals().dropLane("ssh://z", 100, now)));
            assertEquals(24, f.rooted().size());
            assertEquals(24, Fixture.unsettled(queue).size());
            assertEquals(24, Fixture.lane(queue, "ssh://a").fresh());
        }
    }

    @Test
    void aRemovedLaneWithoutPathsIsNotShown() throws Exception {
        f.open(TWO).close();
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(
                    List.of("ssh://a"),
                    queue.call(t -> t.reports().lanes()).stream().map(LaneCounts::name).toList());
        }
    }

    @Test
    void breakersOutliveTheWorker() throws Exception {
        var open = new Breaker(4, 2_000, 1_000, "no route to host");
        try (Queue queue = f.open(TWO)) {
            queue.call(t -> {
                t.lane("ssh://a").breaker(open);
                return true;
            });
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(open, queue.call(t -> t.lane("ssh://a").breaker()));
            assertTrue(Fixture.lane(queue, "ssh://a").breaker().open());
            assertEquals(Breaker.CLOSED, queue.call(t -> t.lane("ssh://b").breaker()));
        }
    }
}
