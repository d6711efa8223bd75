package hookqueue.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpeedStoreTest {
    private static final String LANE = "ssh://a";

    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private static Speed ran(Queue queue, int batches, int paths, long bytes, long millis)
            throws Exception {
        return queue.call(t -> {
            for (int i = 0; i < batches; i++) {
                t.lane(LANE)
                        .ran(
                                new BatchResult(
                                        BatchResult.Result.DELIVERED,
                                        millis,
                                        paths,
                                        bytes,
                                        millis));
            }
            return t.lane(LANE).speed();
        });
    }

    @Test
    void aLaneAsSlowAsXzIsSlowAlsoForTheNextWorker() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertEquals(new Speed(0, false, 0, false), ran(queue, 0, 0, 0, 0));
            Speed speed = ran(queue, 3, 1, 10_000_000, 5_000);
            assertTrue(speed.slowBytes());
            assertEquals(2_000_000, speed.bytesPerSecond(), 1_000);
        }
        try (Queue queue = f.open(Fixture.TWO)) {
            assertTrue(ran(queue, 0, 0, 0, 0).slowBytes());
        }
    }

    @Test
    void fewSecondsAreNoEvidence() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertFalse(ran(queue, 1, 1, 8_000_000, 4_900).slowBytes());
            assertTrue(ran(queue, 1, 1, 8_000_000, 4_900).slowBytes());
        }
    }

    @Test
    void betweenTheThresholdsTheSpeedStaysAsItWas() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertFalse(ran(queue, 20, 1, 50_000_000, 10_000).slowBytes(), "5 MB/s, not slow yet");
            assertTrue(ran(queue, 20, 1, 39_000_000, 10_000).slowBytes(), "3.9 MB/s");
            assertTrue(ran(queue, 20, 1, 50_000_000, 10_000).slowBytes(), "5 MB/s, still slow");
            assertFalse(ran(queue, 20, 1, 61_000_000, 10_000).slowBytes(), "6.1 MB/s");
            assertFalse(ran(queue, 20, 1, 50_000_000, 10_000).slowBytes(), "5 MB/s again");
        }
    }

    /** zstd sends more bytes than xz, so it would make a slow link slower. */
    @Test
    void aLinkThatIsSlowerThanXzIsNotSlowBecauseOfXz() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertFalse(ran(queue, 20, 1, 2_000_000, 10_000).slowBytes(), "0.2 MB/s");
            assertTrue(ran(queue, 20, 1, 6_000_000, 10_000).slowBytes(), "0.6 MB/s");
            assertFalse(ran(queue, 20, 1, 2_000_000, 10_000).slowBytes(), "0.2 MB/s");
        }
    }

    @Test
    void manySmallPathsThatEachTakeARoundTripAreSlow() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertFalse(ran(queue, 1, 50, 200_000, 500).slowPaths(), "10 ms a path");
            Speed speed = ran(queue, 30, 50, 200_000, 4_250);
            assertTrue(speed.slowPaths());
            assertEquals(85, speed.millisPerPath(), 2);
            assertTrue(ran(queue, 30, 50, 200_000, 1_500).slowPaths(), "30 ms, still slow");
            assertFalse(ran(queue, 30, 50, 200_000, 1_000).slowPaths(), "20 ms");
            assertFalse(ran(queue, 30, 50, 200_000, 1_500).slowPaths(), "30 ms, not slow yet");
        }
    }

    @Test
    void fewPathsAndLargePathsSayNothingAboutTheLatency() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            assertFalse(ran(queue, 30, 9, 36_000, 1_800).slowPaths(), "few");
            assertFalse(ran(queue, 30, 50, 5_000_000, 5_000).slowPaths(), "large");
            assertFalse(ran(queue, 30, 50, 0, 5_000).slowPaths(), "Nix does not report bytes");
            assertEquals(0, ran(queue, 0, 0, 0, 0).millisPerPath());
        }
    }

    @Test
    void aRefusedBatchSaysNothing() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            queue.call(t -> {
                t.lane(LANE)
                        .ran(
                                new BatchResult(
                                        BatchResult.Result.REFUSED,
                                        60_000,
                                        50,
                                        90_000_000,
                                        60_000));
                return true;
            });
            assertEquals(new Speed(0, false, 0, false), ran(queue, 0, 0, 0, 0));
        }
    }
}
