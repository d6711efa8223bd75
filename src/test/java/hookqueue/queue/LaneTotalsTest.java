package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Durable totals of the lanes. */
class LaneTotalsTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private static LaneTotal tally(Queue queue, String lane) throws Exception {
        return queue.call(t -> t.reports().totals()).stream()
                .filter(tally -> tally.lane().equals(lane))
                .findFirst()
                .orElseThrow();
    }

    private static void ran(Queue queue, BatchResult.Result result, long millis, int delivered)
            throws Exception {
        queue.call(t -> {
            t.lane("ssh://a").ran(new BatchResult(result, millis, delivered, 0, millis));
            return true;
        });
    }

    @Test
    void batchTotalsOutliveTheWorker() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            ran(queue, BatchResult.Result.DELIVERED, 100, 3);
            ran(queue, BatchResult.Result.DELIVERED, 101, 1);
        }
        try (Queue queue = f.open(Fixture.TWO)) {
            ran(queue, BatchResult.Result.REFUSED, 3_600_001, 0);
            ran(queue, BatchResult.Result.REFUSED, -5, 0);
            LaneTotal a = tally(queue, "ssh://a");
            assertEquals(2, a.runs().get(BatchResult.Result.DELIVERED));
            assertEquals(2, a.runs().get(BatchResult.Result.REFUSED));
            assertEquals(0, a.runs().get(BatchResult.Result.UNUSABLE));
            assertEquals(
                    List.of(2L, 1L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 1L),
                    a.durations().counts(),
                    "a bound belongs to its bucket; the last one has none");
            assertEquals(100 + 101 + 3_600_001, a.durations().sumMillis());
            assertEquals(4, count(a.durations()));
            assertEquals(0, count(tally(queue, "ssh://b").durations()));
        }
    }

    @Test
    void theLatencyIsTheTimeFromQueueingToDeliveryInEachLane() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            f.enqueue(queue, List.of(path(1), path(2)), null);
            f.now = f.now.plusSeconds(20);
            f.deliver(queue, "ssh://a", path(1));
            f.now = f.now.plusSeconds(100);
            f.deliver(queue, "ssh://a", path(2));
            f.deliver(queue, "ssh://b", path(1));
            f.fail(queue, "ssh://b", path(2), "no");
            Histogram a = tally(queue, "ssh://a").latencies();
            assertEquals(140_000, a.sumMillis());
            assertEquals(1, a.counts().get(Histogram.Kind.LATENCY.place(20_000)));
            assertEquals(1, a.counts().get(Histogram.Kind.LATENCY.place(120_000)));
            assertEquals(2, count(a));
            assertEquals(1, count(tally(queue, "ssh://b").latencies()), "failed is not delivered");
        }
    }

    @Test
    void aPathUsedAsAProofIsNotCountedTwice() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            f.enqueue(queue, List.of(path(1)), null);
            Entry entry = Fixture.entry(queue, "ssh://a", path(1));
            f.record(queue, "ssh://a", new Verdict.Delivered(entry));
            f.record(queue, "ssh://a", new Verdict.Delivered(entry));
            assertEquals(1, count(tally(queue, "ssh://a").latencies()));
            assertEquals(1, Fixture.lane(queue, "ssh://a").delivered());
        }
    }

    @Test
    void thePaceCountsEachChildsPartOfTheLanesTime() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            for (int slot = 0; slot < 4; slot++) {
                queue.call(t -> {
                    var run = new BatchResult(BatchResult.Result.DELIVERED, 4_000, 10, 0, 1_000);
                    t.lane("ssh://a").ran(run);
                    return true;
                });
            }
            assertEquals(
                    Optional.of(Duration.ofSeconds(10)),
                    Fixture.lane(queue, "ssh://a").pace().timeFor(100));
        }
    }

    @Test
    void theRateFollowsTheLastFewBatches() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertEquals(Optional.empty(), Fixture.lane(queue, "ssh://a").pace().timeFor(10));
            ran(queue, BatchResult.Result.REFUSED, 60_000, 0);
            assertEquals(Optional.empty(), Fixture.lane(queue, "ssh://a").pace().timeFor(10));
            ran(queue, BatchResult.Result.DELIVERED, 2_000, 10);
            assertEquals(
                    Optional.of(Duration.ofSeconds(20)),
                    Fixture.lane(queue, "ssh://a").pace().timeFor(100));
            for (int i = 0; i < 30; i++) {
                ran(queue, BatchResult.Result.DELIVERED, 1_000, 10);
            }
            long millis =
                    Fixture.lane(queue, "ssh://a").pace().timeFor(100).orElseThrow().toMillis();
            assertTrue(millis >= 10_000 && millis < 10_100, "now it takes " + millis);
        }
    }

    @Test
    void aDatabaseOfTheFirstVersionIsMigratedWithoutLoss() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            f.enqueue(queue, List.of(path(1), path(2)), null);
            f.deliver(queue, "ssh://a", path(1));
        }
        f.sql(
                "DROP TABLE tally",
                "DROP TABLE delivered",
                "ALTER TABLE lane DROP COLUMN recent_paths",
                "ALTER TABLE lane DROP COLUMN recent_millis",
                "ALTER TABLE lane DROP COLUMN generation",
                "ALTER TABLE path DROP COLUMN generation",
                "PRAGMA user_version = 1");
        try (Queue queue = f.open(Fixture.TWO)) {
            assertEquals(List.of(path(2)), Fixture.fresh(queue, "ssh://a"));
            assertEquals(1, Fixture.lane(queue, "ssh://a").delivered());
            ran(queue, BatchResult.Result.DELIVERED, 50, 1);
            assertEquals(1, count(tally(queue, "ssh://a").durations()));
        }
        assertEquals(Schema.VERSION, f.number("PRAGMA user_version"));
    }

    private static long count(Histogram durations) {
        return durations.counts().stream().mapToLong(Long::longValue).sum();
    }
}
