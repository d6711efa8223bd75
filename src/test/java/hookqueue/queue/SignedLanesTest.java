package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.SIGNED;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a key, the destinations wait until a path is signed. */
class SignedLanesTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    @Test
    void aMovedPathThatHadFailedIsSignedFirst() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, "ssh://a", path(0));
            f.fail(queue, "ssh://b", path(0), "no");
        }
        try (Queue queue = f.open(List.of(LaneStore.SIGN, "ssh://a", "ssh://c"))) {
            assertEquals(List.of("sign FRESH", "ssh://c HELD"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void inANewLaneAPathIsHeldUntilItIsSigned() throws Exception {
        try (Queue queue = f.open(List.of(LaneStore.SIGN, "ssh://a"))) {
            f.enqueue(queue, paths(0, 1), null);
        }
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(
                    List.of("sign FRESH", "ssh://a HELD", "ssh://b HELD"),
                    Fixture.standing(queue, path(0)));
            f.deliver(queue, LaneStore.SIGN, path(0));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void destinationsAreHeldUntilAPathIsSigned() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 2), null);
            assertEquals(List.of(), Fixture.fresh(queue, "ssh://a"));
            assertEquals(2, Fixture.lane(queue, "ssh://a").held());
            f.deliver(queue, LaneStore.SIGN, path(0));
            assertEquals(List.of(path(0)), Fixture.fresh(queue, "ssh://a"));
            assertEquals(List.of(path(0)), Fixture.fresh(queue, "ssh://b"));
            f.fail(queue, LaneStore.SIGN, path(1), "the key is wrong");
            assertEquals(
                    List.of("sign FAILED", "ssh://a HELD", "ssh://b HELD"),
                    Fixture.standing(queue, path(1)),
                    "nothing is uploaded unsigned");
            queue.call(t -> t.retries().retry(path(1), 1));
            assertEquals(
                    List.of("sign FRESH", "ssh://a HELD", "ssh://b HELD"),
                    Fixture.standing(queue, path(1)));
        }
    }

    @Test
    void aKeyWithoutDestinationsIsAQueueToo() throws Exception {
        try (Queue queue = f.open(List.of(LaneStore.SIGN))) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, LaneStore.SIGN, path(0));
            assertEquals(Set.of(), f.rooted());
        }
    }

    @Test
    void removingTheKeyReleasesHeldPaths() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 2), null);
            f.fail(queue, LaneStore.SIGN, path(1), "no");
        }
        try (Queue queue = f.open(TWO)) {
            assertEquals(List.of(path(0), path(1)), Fixture.fresh(queue, "ssh://a"));
            assertEquals(0, Fixture.lane(queue, "ssh://b").held());
            assertEquals(
                    List.of("ssh://a", "ssh://b"),
                    queue.call(t -> t.reports().lanes()).stream().map(LaneCounts::name).toList());
        }
    }

    @Test
    void removingTheKeySettlesPathsThatOnlyNeededASignature() throws Exception {
        try (Queue queue = f.open(List.of(LaneStore.SIGN))) {
            f.enqueue(queue, paths(0, 2), null);
        }
        try (Queue queue = f.open(List.of("ssh://a"))) {
            assertEquals(Set.of(), Fixture.unsettled(queue));
            assertEquals(Set.of(), f.rooted());
        }
    }

    @Test
    void aNewKeySignsPathsThatAreNotUploadedYet() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            f.deliver(queue, "ssh://a", path(0));
            f.defer(queue, "ssh://b", path(0), 60_000);
        }
        try (Queue queue = f.open(SIGNED)) {
            assertEquals(List.of(path(0), path(1)), Fixture.fresh(queue, LaneStore.SIGN));
            assertEquals(2, Fixture.lane(queue, "ssh://b").held());
            assertEquals(1, Fixture.lane(queue, "ssh://a").held());
            f.deliver(queue, LaneStore.SIGN, path(0));
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void pathsThatFailedBeforeThereWasAKeyAreSignedBeforeARetry() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 2), null);
            for (int i = 0; i < 2; i++) {
                f.fail(queue, "ssh://a", path(i), "no");
                f.deliver(queue, "ssh://b", path(i));
            }
        }
        try (Queue queue = f.open(SIGNED)) {
            assertEquals(List.of("ssh://a FAILED"), Fixture.standing(queue, path(0)));
            queue.call(t -> t.retries().retry(path(0), 1));
            assertEquals(List.of("ssh://a HELD", "sign FRESH"), Fixture.standing(queue, path(0)));
            assertEquals(1, Fixture.count(queue, t -> t.retries().retryAll(1)));
            f.deliver(queue, LaneStore.SIGN, path(1));
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(1)));
        }
    }

    /** It was signed, failed after a garbage collection, and was built again, unsigned. */
    @Test
    void aFailedPathThatIsBuiltAgainIsSignedAgain() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 1), null);
            f.deliver(queue, LaneStore.SIGN, path(0));
            f.deliver(queue, "ssh://b", path(0));
            f.fail(queue, "ssh://a", path(0), "it is no longer in the local store");
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(List.of("sign FRESH", "ssh://a HELD"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void anExpiredFailureOfOneLaneKeepsThePathHeldForAnother() throws Exception {
        try (Queue queue = f.open(TWO)) {
            f.enqueue(queue, paths(0, 1), null);
            f.fail(queue, "ssh://a", path(0), "no");
        }
        f.now = f.now.plus(Duration.ofDays(40));
        try (Queue queue = f.open(SIGNED)) {
            assertEquals(1, queue.call(t -> t.removals().expire(f.clock.millis(), 10, 1)).size());
            assertEquals(List.of("ssh://b HELD", "sign FRESH"), Fixture.standing(queue, path(0)));
        }
    }

    @Test
    void anExpiredSigningFailureDropsTheHeldDeliveries() throws Exception {
        try (Queue queue = f.open(SIGNED)) {
            f.enqueue(queue, paths(0, 1), null);
            f.fail(queue, LaneStore.SIGN, path(0), "no");
            f.now = f.now.plusMillis(1);
            queue.call(t -> t.removals().expire(f.clock.millis(), 10, 1));
            assertEquals(Set.of(), Fixture.unsettled(queue));
            assertEquals(Set.of(), f.rooted());
        }
    }
}
