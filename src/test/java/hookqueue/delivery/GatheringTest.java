package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

final class GatheringTest {
    private static final long MS = 1_000_000;

    private final Gathering gathering = new Gathering(-10 * MS);

    @Test
    void theFirstLookIsAtOnce() {
        assertEquals(0, gathering.remaining(7, -10 * MS));
    }

    @Test
    void afterALookTheLaneWaits50Milliseconds() {
        gathering.looked(7, 0);
        assertEquals(50 * MS, gathering.remaining(7, 0));
        assertEquals(1, gathering.remaining(11, 50 * MS - 1));
        assertEquals(0, gathering.remaining(11, 50 * MS));
    }

    @Test
    void itWaitsForAPauseInABurst() {
        gathering.looked(7, 0);
        assertEquals(50 * MS, gathering.remaining(12, 50 * MS), "5 paths");
        assertEquals(50 * MS, gathering.remaining(17, 100 * MS), "5 more");
        assertEquals(0, gathering.remaining(21, 150 * MS), "4 more");
    }

    @Test
    void itWaitsHalfASecondAtMost() {
        gathering.looked(0, 0);
        for (int pause = 1; pause < 10; pause++) {
            assertEquals(50 * MS, gathering.remaining(100 * pause, pause * 50 * MS));
        }
        assertEquals(0, gathering.remaining(1_000, 500 * MS));
    }

    @Test
    void pathsAreCountedPerTime() {
        gathering.looked(0, 0);
        assertEquals(-50 * MS, gathering.remaining(9, 100 * MS), "9 in 100 ms");
        gathering.looked(9, 100 * MS);
        assertEquals(50 * MS, gathering.remaining(19, 200 * MS), "10 in 100 ms");
    }

    @Test
    void theWaitForABurstEndsWithTheHalfSecond() {
        gathering.looked(0, 0);
        assertEquals(20 * MS, gathering.remaining(48, 480 * MS));
    }
}
