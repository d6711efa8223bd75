package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.STORE;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filters;
import hookqueue.queue.Fixture;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.queue.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code wait} answers, and what it costs. */
class WaitCommandTest {
    @TempDir Path folder;
    private Fixture f;
    private Commands commands;
    private long looked;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
        commands = new Commands(f);
    }

    /** A page of the spool is 500 files. */
    @Test
    void itTakesInAllOfTheSpoolFirst() throws Exception {
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            for (int i = 0; i < 1_100; i++) {
                Files.writeString(f.spool().resolve(i + ".paths"), path(i).in(STORE) + "\n");
            }
            assertEquals(
                    "error not settled after 1ms: 2200 left",
                    commands.ask("wait timeout=1ms").getLast());
            assertEquals(1_100, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void itFailsForPathsWithoutAnyDestination() throws Exception {
        List<String> signAlone = List.of(LaneStore.SIGN);
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 2), "job");
            f.fail(queue, "ssh://b", path(1), "no");
        }
        try (Queue queue = commands.start(signAlone, Filters.ALL)) {
            for (int i = 0; i < 2; i++) {
                f.deliver(queue, LaneStore.SIGN, path(i));
            }
            for (String wait : List.of("wait", "wait tag=job", "wait " + path(0).in(STORE))) {
                assertEquals(
                        "error paths have no destination in the settings any more; see status",
                        commands.ask(wait).getLast(),
                        wait);
            }
            commands.ask("drop destination=ssh://a");
            commands.ask("drop destination=ssh://b");
            assertEquals(List.of("ok"), commands.ask("wait"));
        }
    }

    @Test
    void itReportsFailedPaths() throws Exception {
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 3), "job");
            for (int i = 0; i < 3; i++) {
                f.deliver(queue, "ssh://a", path(i));
            }
            f.deliver(queue, "ssh://b", path(0));
            f.fail(queue, "ssh://b", path(1), "no such host");
            assertEquals(
                    List.of("error not settled after 1ms: 1 left"),
                    commands.ask("wait timeout=1ms tag=job"));
            f.deliver(queue, "ssh://b", path(2));
            String all = String.join(" ", paths(0, 3).stream().map(p -> p.in(STORE)).toList());
            for (String wait : List.of("wait", "wait tag=job", "wait " + all)) {
                List<String> reply = commands.ask(wait);
                assertEquals("error failed: 1", reply.getLast(), wait);
                assertEquals(2, reply.size());
                assertTrue(reply.getFirst().contains("no such host"), reply.getFirst());
            }
            assertEquals(List.of("ok"), commands.ask("wait " + path(0).in(STORE)));
            assertEquals(
                    List.of("error never queued here: " + path(9).in(STORE)),
                    commands.ask("wait " + all + " " + path(9).in(STORE)));
            assertEquals(
                    List.of("ok nothing was queued with tag other"),
                    commands.ask("wait tag=other"));
        }
    }

    @Test
    void itContinuesForAPathThatIsRetriedMeanwhile() throws Exception {
        try (Queue queue = commands.start(List.of("ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 2), "job");
            f.fail(queue, "ssh://a", path(0), "no");
            var target = target(queue);
            assertFalse(target.settled());
            commands.ask("retry");
            f.deliver(queue, "ssh://a", path(1));
            assertTrue(target.settled(), "each was");
            assertTrue(target.end().outstanding(), "the first is again");
            assertFalse(target.settled());
            f.deliver(queue, "ssh://a", path(0));
            assertTrue(target.settled());
            assertEquals(new WaitTarget.End(false, List.of(), false), target.end());
        }
    }

    private WaitTarget target(Queue queue) {
        return new WaitTarget.Paths(
                queue,
                (t, after) -> {
                    List<Long> page = t.waits().tagged("job", after, 500);
                    looked += page.size();
                    return page;
                });
    }

    @Test
    void itAnswersWhenTheRootsAreRemoved() throws Exception {
        try (Queue queue = commands.start(List.of("ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 2_000), null);
            var delivery =
                    queue.submit(t -> {
                        var delivered = new ArrayList<Verdict>();
                        LaneStore lane = t.lane("ssh://a");
                        lane.fresh(2_000).forEach(e -> delivered.add(new Verdict.Delivered(e)));
                        lane.record(delivered, 10, f.clock.millis());
                        return true;
                    });
            assertEquals(List.of("ok"), commands.ask("wait"));
            assertEquals(Set.of(), f.rooted());
            delivery.await();
        }
    }

    /** With two hundred changes, each change used to make it query all 5,000 paths. */
    @Test
    void manyPathsCostFewQueriesPerChange() throws Exception {
        try (Queue queue = commands.start(List.of("ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 5_000), "job");
            var target = target(queue);
            for (int i = 0; i < 200; i++) {
                assertFalse(target.settled());
                f.deliver(queue, "ssh://a", path(i));
            }
            assertEquals(500, looked, "a page");
            assertEquals(4_800, target.left());
        }
    }
}
