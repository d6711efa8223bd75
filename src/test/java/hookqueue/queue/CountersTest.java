package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After random operations in random order, counters and roots match the rows. */
class CountersTest {
    private static final int PATHS = 30;

    @TempDir Path folder;

    @Test
    void countersAndRootsMatchTheRowsAfterRandomOperations() throws Exception {
        long seed = Long.getLong("hookqueue.seed", System.nanoTime());
        try {
            run(new Random(seed));
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed + " (-Dhookqueue.seed)", e);
        }
    }

    private void run(Random random) throws Exception {
        var f = new Fixture(folder);
        List<List<String>> settings =
                List.of(
                        List.of("a"),
                        List.of("a", "b"),
                        List.of(LaneStore.SIGN),
                        List.of(LaneStore.SIGN, "a"),
                        List.of(LaneStore.SIGN, "a", "b"),
                        List.of("b", "c"));
        for (int life = 0; life < 20; life++) {
            List<String> lanes = settings.get(random.nextInt(settings.size()));
            try (Queue queue = f.open(lanes)) {
                for (int i = 0; i < 40; i++) {
                    f.now = f.now.plusMillis(random.nextInt(100_000));
                    step(f, queue, lanes, random);
                }
                assertEquals(Fixture.unsettled(queue), f.rooted(), "life " + life);
            }
            check(f, "life " + life);
        }
    }

    private static void step(Fixture f, Queue queue, List<String> lanes, Random random)
            throws Exception {
        var some = path(random.nextInt(PATHS));
        long now = f.clock.millis();
        switch (random.nextInt(10)) {
            case 0, 1, 2 ->
                    f.enqueue(
                            queue,
                            List.of(some, path(random.nextInt(PATHS))),
                            random.nextBoolean() ? "t" : null);
            case 3 -> queue.call(t -> t.removals().drop(some, now));
            case 4 -> queue.call(t -> t.retries().retry(some, now));
            case 5 ->
                    queue.call(t ->
                            random.nextInt(10) == 0
                                    ? t.retries().retryAll(now)
                                    : t.removals().expire(now - 500_000, 3, now).size());
            default -> {
                String lane = lanes.get(random.nextInt(lanes.size()));
                int most = random.nextInt(6);
                var entries = new ArrayList<>(queue.call(t -> t.lane(lane).fresh(most)));
                entries.addAll(queue.call(t -> t.lane(lane).deferred(most)));
                for (Entry entry : entries) {
                    f.record(
                            queue,
                            lane,
                            switch (random.nextInt(4)) {
                                case 0 -> new Verdict.Failed(entry, 1, "no");
                                case 1 -> new Verdict.Deferred(entry, 1, 1, now + 5_000, "later");
                                default -> new Verdict.Delivered(entry);
                            });
                }
            }
        }
    }

    private static void check(Fixture f, String when) throws Exception {
        for (DeliveryRow.State state : DeliveryRow.State.values()) {
            String column = state.name().toLowerCase(java.util.Locale.ROOT);
            assertEquals(
                    0,
                    f.number(
                            "SELECT count(*) FROM lane l WHERE l."
                                    + column
                                    + " <> (SELECT count(*) FROM delivery d WHERE d.lane = l.id AND d.state = "
                                    + state.stored()
                                    + ")"),
                    when + ": counter of " + column);
        }
        assertEquals(
                0,
                f.number(
                        "SELECT count(*) FROM path p WHERE (p.settled_at IS NULL)"
                                + " <> EXISTS (SELECT 1 FROM delivery d WHERE d.path = p.id)"),
                when + ": settled is to have no delivery left");
        assertEquals(
                0,
                f.number(
                        "SELECT count(*) FROM delivery h WHERE h.state = 0 AND NOT EXISTS (SELECT 1 FROM"
                                + " delivery s JOIN lane l ON l.id = s.lane WHERE s.path = h.path AND l.name = 'sign')"),
                when + ": held for a signature that nobody will make");
        assertEquals(
                0,
                f.number("SELECT count(*) FROM delivery WHERE path NOT IN (SELECT id FROM path)"),
                when + ": a delivery of no path");
    }
}
