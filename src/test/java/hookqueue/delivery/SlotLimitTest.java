package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SlotLimitTest {
    private final SlotLimit limit = new SlotLimit(8);

    private void deliver(int batches) {
        for (int i = 0; i < batches; i++) {
            limit.delivered();
        }
    }

    @Test
    void aBusyDestinationGetsHalfAsManyChildren() {
        assertTrue(limit.busy(1, 2));
        assertEquals(4, limit.now());
        assertTrue(limit.busy(2, 3));
        assertEquals(2, limit.now());
    }

    @Test
    void afterABusyReportItGetsOneMoreChildEveryTwoRounds() {
        limit.busy(1, 2);
        deliver(7);
        assertEquals(4, limit.now());
        deliver(1);
        assertEquals(5, limit.now());
        deliver(10);
        assertEquals(6, limit.now());
    }

    @Test
    void everyBusyReportDoublesTheRoundsUpToEight() {
        limit.busy(1, 2);
        limit.busy(2, 3);
        deliver(2 * 4 - 1);
        assertEquals(2, limit.now());
        deliver(1);
        assertEquals(3, limit.now());
        for (int batch = 3; batch < 9; batch++) {
            limit.busy(batch, batch + 1);
        }
        deliver(7);
        assertEquals(1, limit.now());
        deliver(1);
        assertEquals(2, limit.now());
    }

    @Test
    void aBusyReportDiscardsTheDeliveriesBeforeIt() {
        limit.busy(1, 2);
        deliver(7);
        limit.busy(2, 3);
        deliver(7);
        assertEquals(2, limit.now());
    }

    @Test
    void aDestinationThatAcceptsAllChildrenAgainRegainsTheFullLimit() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1);
        }
        deliver(8 * (1 + 2 + 3 + 4 + 5 + 6 + 7));
        assertEquals(8, limit.now());
        limit.busy(9, 10);
        deliver(2 * (4 + 5 + 6 + 7));
        assertEquals(8, limit.now());
    }

    @Test
    void batchesThatRanInParallelCountOnce() {
        assertTrue(limit.busy(1, 9));
        for (int batch = 2; batch < 9; batch++) {
            assertFalse(limit.busy(batch, 9));
        }
        assertEquals(4, limit.now());
    }

    @Test
    void theLimitStaysBetweenOneAndTheSetting() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1);
        }
        assertEquals(1, limit.now());
        deliver(1_000);
        assertEquals(8, limit.now());
    }
}
