package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SlotLimitTest {
    private static final long NOW = 1_000_000;

    private final SlotLimit limit = new SlotLimit(8, () -> 0.5);

    @Test
    void aBusyDestinationGetsHalfAsManyAndOneMoreForEachDelivery() {
        limit.busy(1, 2, NOW);
        assertEquals(4, limit.now());
        limit.busy(2, 3, NOW);
        assertEquals(2, limit.now());
        limit.delivered();
        assertEquals(3, limit.now());
    }

    @Test
    void aBusyDestinationGetsNoneForAWhileThatDoubles() {
        assertEquals(0, limit.busyFor(NOW));
        limit.busy(1, 2, NOW);
        assertEquals(1_000, limit.busyFor(NOW));
        limit.busy(2, 3, NOW + 1_000);
        assertEquals(2_000, limit.busyFor(NOW + 1_000));
        assertEquals(0, limit.busyFor(NOW - 10_000_000), "the clock was set back");
        limit.delivered();
        limit.busy(3, 4, NOW + 3_000);
        assertEquals(1_000, limit.busyFor(NOW + 3_000));
        limit.down();
        assertEquals(0, limit.busyFor(NOW + 3_000));
    }

    @Test
    void batchesThatWereInFlightTogetherCountOnce() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, 9, NOW);
        }
        assertEquals(4, limit.now());
        assertEquals(1_000, limit.busyFor(NOW));
    }

    @Test
    void itStaysBetweenOneAndTheSetting() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1, NOW);
        }
        assertEquals(1, limit.now());
        for (int i = 0; i < 20; i++) {
            limit.delivered();
        }
        assertEquals(8, limit.now());
    }
}
