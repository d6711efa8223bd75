package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.queue.Breaker;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.QueueException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a lane does after failures: it waits, tries again, and blames. */
@Timeout(60)
class LaneFailuresTest {
    @TempDir private Path folder;
    private LaneWorld world;

    @BeforeEach
    void open() throws IOException, QueueException {
        world = new LaneWorld(folder);
    }

    @AfterEach
    void end() throws InterruptedException {
        world.end();
    }

    @Test
    void anOutageOpensTheBreakerAndOnePathIsTriedAfterTheDelay() throws Exception {
        world.carrier.down = true;
        world.enqueue(1, 2, 3, 4, 5);
        Breaker open = world.awaitBreaker(1);
        world.assertRuns(List.of(1, 2, 3, 4, 5), List.of(1), List.of(2), List.of(3));
        assertEquals(LaneWorld.START + 5_000, open.until());
        assertEquals("connection refused", open.reason());

        world.pass(Duration.ofSeconds(4));
        world.assertNoRun();
        world.pass(Duration.ofSeconds(1));
        assertEquals(List.of(5), world.nextRun());
        assertEquals(LaneWorld.START + 15_000, world.awaitBreaker(2).until());

        world.carrier.down = false;
        world.pass(Duration.ofSeconds(10));
        world.awaitSettled();
        assertEquals(5, world.counts().delivered());
        assertEquals(Breaker.CLOSED, world.counts().breaker());
    }

    @Test
    void theBreakerStaysOpenAcrossARestart() throws Exception {
        world.carrier.down = true;
        world.enqueue(1, 2, 3);
        Breaker open = world.awaitBreaker(1);
        world.carrier.runs.clear();
        world.restart();
        assertEquals(open, world.counts().breaker());
        world.assertNoRun();
        world.enqueue(4);
        world.assertNoRun();
        world.carrier.down = false;
        world.pass(Duration.ofSeconds(5));
        world.awaitSettled();
    }

    @Test
    void neitherArrivalsNorARestartShortenABackOff() throws Exception {
        world.carrier.bad.add(Paths.path(1));
        world.enqueue(1, 2);
        assertEquals(1, world.awaitDeferred(1).failures());
        long due = world.row(1).dueAt();
        assertEquals(LaneWorld.START + 5_000, due);
        world.carrier.runs.clear();

        world.enqueue(3);
        assertEquals(List.of(3), world.nextRun());
        world.enqueue(1);
        world.restart();
        world.assertNoRun();
        assertEquals(due, world.row(1).dueAt());
        assertEquals(1, world.row(1).failures());

        world.pass(Duration.ofSeconds(5));
        assertEquals(List.of(1), world.nextRun());
    }

    @Test
    void aClockThatWasSetBackDoesNotHoldAPathForever() throws Exception {
        world.carrier.bad.add(Paths.path(1));
        world.enqueue(1, 2);
        world.awaitDeferred(1);
        world.carrier.runs.clear();
        world.carrier.bad.clear();
        world.clock.millis.set(LaneWorld.START - Duration.ofDays(400).toMillis());
        world.queue.wake();
        assertEquals(List.of(1), world.nextRun());
        world.awaitSettled();
    }

    @Test
    void aClockThatWasSetBackDoesNotHoldABreakerOpen() throws Exception {
        world.carrier.down = true;
        world.enqueue(1, 2, 3);
        world.awaitBreaker(1);
        world.carrier.down = false;
        world.clock.millis.set(LaneWorld.START - Duration.ofDays(400).toMillis());
        world.queue.wake();
        world.awaitSettled();
    }

    @Test
    void aBadPathFailsAfterTheAttemptLimitAndTheOthersAreDelivered() throws Exception {
        world.carrier.bad.add(Paths.path(1));
        world.enqueue(1, 2);
        for (int attempt = 1; attempt < 3; attempt++) {
            assertEquals(attempt, world.awaitDeferred(attempt).failures());
            world.clock.millis.addAndGet(1); // paths that are delivered later than it failed
            world.enqueue(10 + attempt);
            world.awaitOutstanding(1);
            world.pass(Duration.ofSeconds(60));
        }
        world.awaitOutstanding(0);
        assertEquals(DeliveryRow.State.FAILED, world.row(1).state());
        assertEquals(3, world.row(1).failures());
        assertEquals("connection refused", world.row(1).reason());
        assertEquals(1, folder.resolve("roots").toFile().list().length);
    }

    @Test
    void aPauseAfterASuccessfulTrialClosesTheBreaker() throws Exception {
        world.carrier.down = true;
        world.enqueue(1, 2, 3);
        world.awaitBreaker(1);
        world.carrier.runs.clear();
        world.carrier.down = false;
        var gate = new CountDownLatch(1);
        world.carrier.gate = gate;
        world.pass(Duration.ofSeconds(5));
        assertEquals(1, world.nextRun().size());
        world.pause(true);
        gate.countDown();
        world.carrier.gate = null;
        world.awaitBreaker(0);
        assertEquals(2, world.counts().outstanding());
        world.pause(false);
        world.awaitSettled();
    }

    @Test
    void aTrialOfADeletedPathDoesNotCloseTheBreaker() throws Exception {
        world.carrier.down = true;
        world.enqueue(1, 2, 3, 4, 5);
        world.awaitBreaker(1);
        world.carrier.gone.add(Paths.path(5));
        world.carrier.runs.clear();
        world.pass(Duration.ofSeconds(5));
        Breaker open = world.awaitBreaker(2);
        world.assertRuns(List.of(5), List.of(4));
        assertEquals(LaneWorld.START, open.since());
        assertEquals(DeliveryRow.State.FAILED, world.row(5).state());
        assertEquals("gone", world.row(5).reason());
    }

    @Test
    void retryTriesADeferredPathAtOnce() throws Exception {
        world.carrier.bad.add(Paths.path(1));
        world.enqueue(1, 2);
        world.awaitDeferred(1);
        world.carrier.bad.clear();
        world.carrier.runs.clear();
        world.queue.call(t -> t.retries().retryAll(world.clock.millis()));
        assertEquals(List.of(1), world.nextRun());
        world.awaitSettled();
    }

    @Test
    void manyBadPathsAtTheHeadDelayTheOthersByFewTrials() throws Exception {
        world.pause(true);
        for (int bad = 1; bad <= 9; bad++) {
            world.carrier.bad.add(Paths.path(bad));
            world.enqueue(bad);
        }
        for (int good = 10; good < 40; good++) {
            world.enqueue(good);
        }
        world.pause(false);
        for (int i = 0; i < 4 && world.counts().delivered() < 30; i++) {
            world.awaitQuiet();
            world.pass(Duration.ofSeconds(6));
        }
        world.awaitQuiet();
        assertEquals(30, world.counts().delivered());
    }

    /** As in {@code DeliveryPolicySimulationTest}, with the real lane and the real queue. */
    @Test
    void despiteOutagesAndRestartsEveryGoodPathIsDeliveredAndNoneIsBlamed() throws Exception {
        Long given = Long.getLong("hookqueue.seed");
        long seed = given == null ? System.nanoTime() : given;
        var random = new Random(seed);
        var good = new HashSet<Integer>();
        for (int number = 0; number < 120; number++) {
            if (random.nextInt(10) == 0) {
                world.carrier.bad.add(Paths.path(number));
            } else {
                good.add(number);
            }
            world.enqueue(number);
            switch (random.nextInt(12)) {
                case 0 -> world.restart();
                case 1 -> {
                    world.awaitQuiet(); // outages begin and end between rounds, so none is too
                    // short
                    world.carrier.down = !world.carrier.down;
                }
                case 2, 3, 4 -> {
                    world.awaitQuiet();
                    world.pass(Duration.ofSeconds(random.nextInt(900)));
                }
                default -> {}
            }
            for (DeliveryRow row : world.queue.call(t -> t.reports().list(0, 1_000))) {
                boolean bad = world.carrier.bad.contains(row.path());
                assertTrue(bad || row.failures() == 0, () -> row + " -Dhookqueue.seed=" + seed);
            }
        }
        world.awaitQuiet();
        world.carrier.down = false;
        for (int i = 0; i < 40 && !world.carrier.taken.containsAll(good); i++) {
            world.pass(Duration.ofMinutes(20));
            world.awaitQuiet();
        }
        String told = "-Dhookqueue.seed=" + seed;
        assertEquals(good, Set.copyOf(world.carrier.taken), told);
        assertEquals(good.size(), world.counts().delivered(), told);
    }

    /** Each failed path may hang for the stall timeout, and there is one slot. */
    @Test
    void freshPathsDoNotWaitForManyFailedOnes() throws Exception {
        for (int bad = 1; bad <= 3; bad++) {
            world.carrier.bad.add(Paths.path(bad));
        }
        world.enqueue(1, 2, 3, 4);
        world.awaitQuiet();
        assertEquals(3, world.counts().deferred());
        world.carrier.runs.clear();
        var gate = new CountDownLatch(1);
        world.carrier.gate = gate;
        world.pass(Duration.ofSeconds(6));
        List<Integer> first = world.nextRun();
        assertEquals(1, first.size(), "they were blamed, and go one by one");
        world.enqueue(5);
        world.carrier.gate = null;
        gate.countDown();
        List<Integer> second = world.nextRun();
        assertTrue(
                second.equals(List.of(5)) || world.nextRun().equals(List.of(5)), "they take turns");
        world.awaitQuiet();
        assertEquals(2, world.counts().delivered());
    }
}
