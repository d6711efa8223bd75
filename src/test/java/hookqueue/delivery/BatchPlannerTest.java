package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.delivery.BatchPlanner.Batch;
import hookqueue.queue.Entry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Batches for several slots. Paths are numbers with invented dependencies and sizes. */
class BatchPlannerTest {
    private static final int SLOTS = 4;
    private static final long SMALL = 4_000;
    private static final long BIG = 20L << 20;

    private final Map<Long, long[]> references = new HashMap<>();
    private final Map<Long, Long> sizes = new HashMap<>();
    private final BatchPlanner planner = new BatchPlanner(this::closures, 200);
    private int questions;
    private boolean answers = true;

    private Optional<Collection<ClosureSource.Member>> closures(List<StorePath> paths) {
        questions++;
        var members = new HashMap<Long, ClosureSource.Member>();
        var open = new ArrayList<>(paths.stream().map(BatchPlannerTest::number).toList());
        while (!open.isEmpty()) {
            long next = open.removeLast();
            long[] needs = references.getOrDefault(next, new long[0]);
            if (members.put(
                            next,
                            new ClosureSource.Member(
                                    digest(next),
                                    LongStream.of(needs).map(BatchPlannerTest::digest).toArray(),
                                    sizes.getOrDefault(next, SMALL)))
                    == null) {
                Arrays.stream(needs).forEach(open::add);
            }
        }
        return answers ? Optional.of(members.values()) : Optional.empty();
    }

    private static long number(StorePath path) {
        return Long.parseLong(path.name().substring(1));
    }

    private static long digest(long number) {
        return ClosureGraph.digest(Paths.path(number));
    }

    private void needs(long path, long... others) {
        references.put(path, others);
    }

    private static List<Entry> due(int from, int to) {
        return new ArrayList<>(Paths.fresh(from, to));
    }

    /** The batches of the free slots, until all remaining paths must wait. */
    private List<Batch> start(List<Entry> due, int slots) {
        assertTrue(planner.look(due.stream().map(Entry::path).toList(), 0));
        var batches = new ArrayList<Batch>();
        while (batches.size() < slots) {
            long large = batches.stream().filter(Batch::large).count();
            int started = batches.stream().mapToInt(b -> b.members().size()).sum();
            Batch batch = planner.next(due, cut(started), large < SLOTS - 1);
            if (batch == null) {
                break;
            }
            planner.started(batch);
            due.removeAll(batch.members());
            batches.add(batch);
        }
        return batches;
    }

    private static BatchPlanner.Cut cut(int startedNow) {
        return new BatchPlanner.Cut(SLOTS, startedNow, 4);
    }

    private static List<Long> numbers(Batch batch) {
        return batch.members().stream().map(Entry::id).toList();
    }

    @Test
    void independentPathsAreSpreadOverTheSlots() {
        List<Entry> due = due(0, 100);
        List<Batch> batches = start(due, SLOTS);
        assertEquals(
                List.of(25, 25, 25, 25), batches.stream().map(b -> b.members().size()).toList());
        assertEquals(1, questions);
    }

    @Test
    void fewPathsGoToOneChild() {
        assertEquals(
                List.of(List.of(0L, 1L, 2L, 3L)),
                start(due(0, 4), SLOTS).stream().map(BatchPlannerTest::numbers).toList());
    }

    @Test
    void aSharedDependencyIsSentWithOnePathFirstThenAllSlotsWork() {
        sizes.put(1000L, BIG);
        IntStream.range(0, 8).forEach(n -> needs(n, 1000));
        List<Entry> due = due(0, 8);
        List<Batch> first = start(due, SLOTS);
        assertEquals(1, first.size());
        assertEquals(1, first.getFirst().members().size());
        assertEquals(BIG + SMALL, first.getFirst().bytes());
        assertNull(planner.next(due, cut(0), true), "the others need what is being sent");

        planner.ended(first.getFirst(), true);
        List<Batch> then = start(due, SLOTS);
        assertEquals(List.of(4, 3), then.stream().map(b -> b.members().size()).toList());
        then.forEach(batch -> assertTrue(batch.bytes() < BIG, "the dependency is there"));
    }

    @Test
    void ifThatFirstPathIsRefusedAnotherIsTried() {
        IntStream.range(0, 8).forEach(n -> needs(n, 1000));
        List<Entry> due = due(0, 8);
        Batch first = start(due, 1).getFirst();
        planner.ended(first, false);
        assertEquals(2 * SMALL, start(due, 1).getFirst().bytes(), "the dependency is not there");
    }

    @Test
    void aChainGoesInOneBatchDependenciesFirst() {
        IntStream.range(0, 9).forEach(n -> needs(n, n + 1));
        List<Batch> batches = start(due(0, 10), SLOTS);
        assertEquals(
                List.of(List.of(9L, 8L, 7L, 6L, 5L, 4L, 3L, 2L, 1L, 0L)),
                batches.stream().map(BatchPlannerTest::numbers).toList());
    }

    @Test
    void aDiamondGoesInOneBatch() {
        needs(3, 1, 2);
        needs(1, 0);
        needs(2, 0);
        assertEquals(4, start(due(0, 4), SLOTS).getFirst().members().size());
    }

    @Test
    void dueDependenciesGoBeforeManyDependants() {
        IntStream.range(10, 60).forEach(n -> needs(n, n % 2));
        List<Entry> due = due(0, 60);
        List<Batch> first = start(due, SLOTS);
        var members = new HashSet<Long>();
        first.forEach(batch -> members.addAll(numbers(batch)));
        assertTrue(members.containsAll(Set.of(0L, 1L)));
        assertTrue(members.stream().noneMatch(n -> n >= 10), () -> "too early: " + members);
    }

    @Test
    void atMostAllSlotsButOneSendLargePaths() {
        IntStream.range(0, 6).forEach(n -> sizes.put((long) n, BIG));
        List<Entry> due = due(0, 20);
        List<Batch> batches = start(due, SLOTS);
        assertEquals(3, batches.stream().filter(Batch::large).count());
        assertFalse(batches.getLast().large(), "one slot is free for small paths");
        assertEquals(5, batches.getLast().members().size());
    }

    @Test
    void aBatchHasALimitInBytes() {
        IntStream.range(0, 40).forEach(n -> sizes.put((long) n, 5L << 20));
        start(due(0, 40), SLOTS)
                .forEach(batch -> assertEquals(3, batch.members().size(), "15 of 16 MB"));
    }

    @Test
    void aBatchHasALimitInPaths() {
        assertEquals(200, start(due(0, 5_000), 1).getFirst().members().size());
    }

    @Test
    void aPathWaitsForTheSlotThatSendsItsDependency() {
        needs(1, 0);
        assertTrue(planner.look(List.of(Paths.path(0), Paths.path(1)), 0));
        Batch sending = planner.exactly(List.of(Paths.fresh(0)));
        assertNotNull(sending);
        planner.started(sending);
        assertNull(planner.exactly(List.of(Paths.fresh(1))));
        assertNull(planner.next(List.of(Paths.fresh(1)), cut(0), true));
        planner.ended(sending, true);
        assertEquals(SMALL, planner.exactly(List.of(Paths.fresh(1))).bytes());
    }

    @Test
    void aQueuedPathInARunningClosureIsFound() {
        needs(1, 0);
        assertTrue(planner.look(List.of(Paths.path(1)), 0));
        Batch batch = planner.exactly(List.of(Paths.fresh(1)));
        assertEquals(List.of(Paths.fresh(0)), planner.within(batch, Paths.fresh(0, 3)));
        planner.started(batch);
        planner.ended(batch, true);
        Batch again = planner.exactly(List.of(Paths.fresh(1)));
        assertEquals(List.of(), planner.within(again, Paths.fresh(0, 3)), "nothing is sent");
    }

    @Test
    void anUnknownClosureIsQueriedAgainAfterAMinute() {
        answers = false;
        assertFalse(planner.look(List.of(Paths.path(0)), 1_000));
        assertFalse(planner.look(List.of(Paths.path(0)), 60_000));
        assertEquals(1, questions);
        answers = true;
        assertTrue(planner.look(List.of(Paths.path(0)), 61_000));
        assertTrue(planner.look(List.of(Paths.path(0)), 61_001));
        assertEquals(2, questions);
    }

    /** The most paths that the planner looks at, with the largest closures that it queries. */
    @Test
    @Timeout(20)
    void aThousandPathsOverTenThousandDependenciesArePlannedQuickly() {
        IntStream.range(10_000, 20_000)
                .forEach(n ->
                        needs(
                                n,
                                LongStream.rangeClosed(n + 1, Math.min(n + 10, 19_999)).toArray()));
        IntStream.range(0, 1_000).forEach(n -> needs(n, 10_000 + n));
        List<Entry> due = due(0, 1_000);
        start(due, 1);
        long began = System.nanoTime();
        Batch batch = planner.next(due(0, 1_000), cut(0), true);
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        assertNull(batch, "all need what is being sent");
        assertTrue(took.toMillis() < 2_000, () -> "took " + took);
    }
}
