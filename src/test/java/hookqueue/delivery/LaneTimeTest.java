package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LaneTimeTest {
    private final LaneTime time = new LaneTime();

    private static long seconds(long count) {
        return Duration.ofSeconds(count).toNanos();
    }

    @Test
    void aChildAloneGetsAllOfItsTime() {
        time.started(1, seconds(5));
        assertEquals(Duration.ofSeconds(3), time.ended(1, seconds(8)));
    }

    @Test
    void childrenSideBySideShareTheTimeAndIdleTimeCountsForNone() {
        time.started(1, seconds(10));
        time.started(2, seconds(10));
        assertEquals(Duration.ofSeconds(2), time.ended(1, seconds(14)));
        assertEquals(Duration.ofSeconds(8), time.ended(2, seconds(20)));
        time.started(3, seconds(100));
        assertEquals(Duration.ofSeconds(1), time.ended(3, seconds(101)));
    }

    @Test
    void thePartsOfAllChildrenAddUpToTheTimeInWhichTheLaneWasBusy() {
        time.started(1, seconds(0));
        time.started(2, seconds(1));
        time.started(3, seconds(2));
        Duration sum =
                time.ended(2, seconds(5))
                        .plus(time.ended(1, seconds(9)))
                        .plus(time.ended(3, seconds(12)));
        assertEquals(12_000, sum.toMillis());
    }
}
