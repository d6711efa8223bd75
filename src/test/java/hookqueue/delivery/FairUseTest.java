package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Twenty builders with four slots each, which share one cache. Prints the figures of docs/fleet.md.
 */
class FairUseTest {
    private static final int BUILDERS = 20;
    private static final int SLOTS = 4;
    private static final long SEED = Long.getLong("hookqueue.seed", 7);
    private static final long SETTLED_MILLIS = 60_000;

    /** Enough work that the queues last for two minutes after the builders have settled. */
    private static final int PATHS_FOR_EACH_CHILD = 45;

    @ParameterizedTest
    @ValueSource(ints = {20, 32, 48, 64})
    void twentyBuildersSeldomExceedTheCachesCapacity(int capacity) {
        SimulatedFleet.Figures figures = play(capacity);
        assertTrue(figures.refusedShare() <= 0.2, () -> "too many are refused: " + figures);
        assertTrue(figures.leastShare() >= 0.3, () -> "a builder starves: " + figures);
    }

    /** Each builder retries with one child process, and waits longer each time. */
    @Test
    void aCacheWithFewerPlacesThanBuildersIsNotOverloaded() {
        SimulatedFleet.Figures figures = play(8);
        assertTrue(figures.refusedShare() <= 0.5, () -> "too many are refused: " + figures);
    }

    @Test
    void aCacheWithEnoughCapacityGetsFullParallelism() {
        SimulatedFleet.Figures figures = play(BUILDERS * SLOTS);
        assertEquals(0, figures.refused(), "refused child processes");
        assertTrue(figures.children() > 0.99 * BUILDERS * SLOTS, figures::toString);
    }

    private static SimulatedFleet.Figures play(int capacity) {
        int paths = PATHS_FOR_EACH_CHILD * capacity;
        var fleet = new SimulatedFleet(SEED, BUILDERS, SLOTS, paths, capacity);
        SimulatedFleet.Figures figures = fleet.play(SETTLED_MILLIS);
        System.out.println("a cache for " + capacity + ": " + figures.text());
        assertEquals((long) BUILDERS * paths, fleet.delivered(), "delivered paths");
        assertEquals(0, fleet.otherVerdicts(), "paths that were deferred, blamed or failed");
        assertTrue(
                figures.mostChildren() <= capacity + BUILDERS,
                () -> "more than one child of each builder beyond its limit: " + figures);
        assertTrue(figures.children() <= 1.25 * capacity, () -> "it is overloaded: " + figures);
        assertTrue(figures.served() >= 0.8 * capacity, () -> "it is idle: " + figures);
        return figures;
    }
}
