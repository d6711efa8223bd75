package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.base.SomePaths.rule;
import static hookqueue.queue.Fixture.STORE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filter;
import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.delivery.DestinationCheck;
import hookqueue.delivery.DestinationCheck.Answer.Checked;
import hookqueue.delivery.DestinationCheck.Answer.Unknown;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Breaker;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The paths that a verification asks for, their order, and the place where it continues. */
class VerifyCommandTest {
    private static final String LANE = "ssh://a";
    private static final List<String> ONE = List.of(LANE);

    @TempDir Path folder;
    private Fixture f;
    private final Asked asked = new Asked();
    private Callable<Boolean> flushed = () -> true;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    /** A destination that has everything, unless told otherwise. */
    private static final class Asked implements DestinationCheck {
        final List<StorePath> all = new ArrayList<>();
        int largest;
        int batches;
        int endsAfter = Integer.MAX_VALUE;
        Answer answer = new Checked(0, List.of(), List.of(), List.of(), "");

        @Override
        public String name() {
            return LANE;
        }

        @Override
        public int mostAtOnce() {
            return 200;
        }

        @Override
        public Answer check(List<StorePath> paths) throws InterruptedException {
            if (batches == endsAfter) {
                throw new InterruptedException("the worker stops");
            }
            batches++;
            largest = Math.max(largest, paths.size());
            all.addAll(paths);
            return answer;
        }
    }

    private List<String> verify(Queue queue, Filters filters, List<StorePath> paths)
            throws Exception {
        var lines = new ArrayList<String>();
        Reply reply =
                new Reply() {
                    @Override
                    public void data(String line) {
                        lines.add(line);
                    }

                    @Override
                    public void flush() throws IOException {
                        try {
                            flushed.call();
                        } catch (Exception e) {
                            throw new IOException(e);
                        }
                    }
                };
        var command = new VerifyCommand(queue, List.of(asked), List.of(), filters, STORE, f.clock);
        lines.add(command.answer(new Request.Verify(paths), reply));
        return lines;
    }

    private List<String> verify(Queue queue) throws Exception {
        return verify(queue, Filters.ALL, List.of());
    }

    /** Records this many deliveries, a minute ago. */
    private void remember(int count) throws Exception {
        f.open(ONE).close();
        f.sql(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < "
                        + count
                        + ") INSERT INTO path (id, name, queued_at, settled_at) SELECT i,"
                        + " printf('%032d-p', i), 1, "
                        + f.clock.millis()
                        + " FROM n",
                "INSERT INTO delivered (lane, path, at) SELECT (SELECT id FROM lane), id, "
                        + (f.clock.millis() - 60_000)
                        + " FROM path");
    }

    @Test
    void asksForEveryRememberedPathOnceInPages() throws Exception {
        remember(100_000);
        try (Queue queue = f.open(ONE)) {
            assertEquals(
                    List.of(LANE + ": checked 100000, sent again 0", "ok all is there"),
                    verify(queue));
            assertEquals(200, asked.largest);
            assertEquals(500, asked.batches);
            assertEquals(100_000, asked.all.stream().distinct().count());
            assertEquals(100_000, asked.all.size());
        }
    }

    @Test
    void continuesInTheNextWorkerAfterTheLastBatch() throws Exception {
        remember(1_000);
        asked.endsAfter = 3;
        try (Queue queue = f.open(ONE)) {
            assertThrows(InterruptedException.class, () -> verify(queue));
        }
        asked.endsAfter = Integer.MAX_VALUE;
        try (Queue queue = f.open(ONE)) {
            assertEquals(
                    List.of(
                            LANE + ": continues after 600 paths",
                            LANE + ": checked 1000, sent again 0",
                            "ok all is there"),
                    verify(queue));
            assertEquals(1_000, asked.all.stream().distinct().count());
            assertEquals(1_000, asked.all.size());
            verify(queue);
            assertEquals(2_000, asked.all.size(), "the next one begins anew");
        }
    }

    @Test
    void startsOverAfterADay() throws Exception {
        remember(600);
        asked.endsAfter = 1;
        try (Queue queue = f.open(ONE)) {
            assertThrows(InterruptedException.class, () -> verify(queue));
            asked.endsAfter = Integer.MAX_VALUE;
            f.now = f.now.plus(Duration.ofHours(25));
            verify(queue);
            assertEquals(800, asked.all.size());
        }
    }

    @Test
    void aDestinationThatCannotBeAskedKeepsItsPlace() throws Exception {
        remember(10);
        try (Queue queue = f.open(ONE)) {
            asked.answer = new Unknown("no route");
            assertEquals(
                    List.of(
                            LANE
                                    + ": checked 0, sent again 0; not asked for the rest: no"
                                    + " route",
                            "error not everything is there; destinations that could not be asked:"
                                    + " 1"),
                    verify(queue));
            queue.call(t -> {
                t.lane(LANE).breaker(new Breaker(1, Long.MAX_VALUE, 1, "down"));
                return true;
            });
            assertTrue(verify(queue).getFirst().endsWith("not asked for the rest: down"));
            assertEquals(1, asked.batches, "the lane knows that it is down");
        }
    }

    @Test
    void refusedPathsAreQueuedAgainForThatDestination() throws Exception {
        remember(3);
        StorePath lost = new StorePath("%032d-p".formatted(2));
        asked.answer = new Checked(2, List.of("x"), List.of(path(7)), List.of(lost), "HTTP 500");
        try (Queue queue = f.open(ONE)) {
            flushed =
                    () -> {
                        if (Fixture.standing(queue, lost).equals(List.of(LANE + " FRESH"))) {
                            f.fail(queue, LANE, lost, "what the lane makes of it");
                        }
                        return true;
                    };
            assertEquals(
                    List.of(
                            LANE + ": was missing, sent again: " + STORE + "/x",
                            LANE + ": and 1 more",
                            LANE + ": lost, and gone from the local store: " + path(7).in(STORE),
                            LANE
                                    + ": queued again: 1 paths, something of which is missing:"
                                    + " HTTP 500",
                            LANE + ": checked 3, sent again 2, queued again 1, lost 1",
                            "error not everything is there; sent again: 2; queued again: 1; lost:"
                                    + " 1"),
                    verify(queue));
            assertEquals(List.of(LANE + " FAILED"), Fixture.standing(queue, lost));
        }
    }

    @Test
    void newPathsGoFirst() throws Exception {
        remember(3);
        try (Queue queue = f.open(ONE)) {
            f.enqueue(queue, paths(0, 1), null);
            var looks = new AtomicInteger();
            flushed =
                    () -> {
                        if (looks.incrementAndGet() < 3) {
                            queue.wake();
                        } else if (looks.get() == 3) {
                            assertEquals(0, asked.batches);
                            f.deliver(queue, LANE, path(0));
                        }
                        return true;
                    };
            assertEquals("ok all is there", verify(queue).getLast());
            assertEquals(3, asked.all.size(), "the new one was delivered just now");
            assertTrue(looks.get() > 3);
        }
    }

    @Test
    void namedPathsAreVerifiedEvenIfNoDeliveryIsRemembered() throws Exception {
        try (Queue queue = f.open(ONE)) {
            f.enqueue(queue, paths(0, 1), null);
            assertEquals(
                    List.of(
                            LANE + ": checked 1, sent again 0, not delivered yet 1",
                            "error not everything is there; not delivered yet: 1"),
                    verify(queue, Filters.ALL, paths(0, 2)));
            assertEquals(paths(1, 2), asked.all);
            var filter = Filters.of(new Filter(null, rule("NPBHQ_EXCLUDE", "p1")));
            assertEquals(
                    List.of("error the settings exclude: " + path(1).in(STORE)),
                    verify(queue, filter, paths(1, 2)));
        }
    }

    @Test
    void aDestinationIsNotAskedForPathsThatItsOwnFilterExcludes() throws Exception {
        var filters =
                new Filters(
                        Filter.ALL,
                        List.of(LANE, "ssh://other"),
                        Map.of(LANE, new Filter(null, rule("NPBHQ_EXCLUDE_x", "p1$"))));
        try (Queue queue = f.open(ONE)) {
            assertEquals(
                    List.of(
                            LANE + ": not checked: its filter excludes " + path(1).in(STORE),
                            LANE + ": checked 1, sent again 0",
                            "ok all is there"),
                    verify(queue, filters, paths(0, 2)));
            assertEquals(paths(0, 1), asked.all);
        }
    }

    @Test
    void noBatchStartsWhileTheQueueIsPaused() throws Exception {
        remember(1);
        try (Queue queue = f.open(ONE)) {
            queue.call(t -> {
                t.meta().pause(f.clock.millis(), 0);
                return true;
            });
            assertTrue(verify(queue).getLast().startsWith("error the queue is paused"));
            assertEquals(0, asked.batches);
        }
    }
}
