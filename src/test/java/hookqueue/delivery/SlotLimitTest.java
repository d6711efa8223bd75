package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SlotLimitTest {
    private final SlotLimit limit = new SlotLimit(8);

    @Test
    void aBusyDestinationGetsHalfAsManyAndOneMoreForEachDelivery() {
        assertTrue(limit.busy(1, 2));
        assertEquals(4, limit.now());
        assertTrue(limit.busy(2, 3));
        assertEquals(2, limit.now());
        limit.delivered();
        assertEquals(3, limit.now());
    }

    @Test
    void batchesThatWereUnderWayTogetherCountOnce() {
        assertTrue(limit.busy(1, 9));
        for (int batch = 2; batch < 9; batch++) {
            assertFalse(limit.busy(batch, 9));
        }
        assertEquals(4, limit.now());
    }

    @Test
    void itStaysBetweenOneAndTheSetting() {
        for (int batch = 1; batch < 9; batch++) {
            limit.busy(batch, batch + 1);
        }
        assertEquals(1, limit.now());
        for (int i = 0; i < 20; i++) {
            limit.delivered();
        }
        assertEquals(8, limit.now());
    }
}
