package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SlotLimitTest {
    private static final long NOW = 1_000_000;

    private final SlotLimit limit = new SlotLimit(8, () -> 0.5);

    private void deliver(int batches) {
        for (int i = 0; i < batches; i++) {
            limit.delivered();
        }
    }

    @Test
    void aBusyDestinationGetsHalfAsManyChildren() {
        limit.busy(1, 2, NOW);
        assertEquals(4, limit.now());
        limit.busy(2, 3, NOW);
        assertEquals(2, limit.now());
    }

    @Test
    void afterABusyReportItGetsOneMoreChildEveryTwoRounds() {
        limit.busy(1, 2, NOW);
        deliver(7);
        assertEquals(4, limit.now());
        deliver(1);
        assertEquals(5, limit.now());
        deliver(10);
        assertEquals(6, limit.now());
    }

    @Test
    void everyBusyReportDoublesTheRoundsUpToEight() {
        limit.busy(1, 2, NOW);
        limit.busy(2, 3, NOW);
        deliver(2 * 4 - 1);
        assertEquals(2, limit.now());
        deliver(1);
        assertEquals(3, limit.now());
        for (int batch = 3; batch < 9; batch++) {
            limit.busy(batch, batch + 1, NOW);
        }
        deliver(7);
        assertEquals(1, limit.now());
        deliver(1);
        assertEquals(2, limit.now());
    }

    @Test
    void aBusyReportDiscardsTheDeliveriesBeforeIt() {
        limit.busy(1, 2, NOW);
        deliver(7);
        limit.busy(2, 3, NOW);
        deliver(7);
        assertEquals(2, limit.now());
    }

    @Test
    void aDestinationThatAcceptsAllChildrenAgainRegainsTheFullLimit() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1, NOW);
        }
        deliver(8 * (1 + 2 + 3 + 4 + 5 + 6 + 7));
        assertEquals(8, limit.now());
        limit.busy(9, 10, NOW);
        deliver(2 * (4 + 5 + 6 + 7));
        assertEquals(8, limit.now());
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
    void batchesThatRanInParallelCountOnce() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, 9, NOW);
        }
        assertEquals(4, limit.now());
        assertEquals(1_000, limit.busyFor(NOW));
    }

    @Test
    void theLimitStaysBetweenOneAndTheSetting() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1, NOW);
        }
        assertEquals(1, limit.now());
        deliver(1_000);
        assertEquals(8, limit.now());
    }
}
