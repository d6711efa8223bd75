package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.delivery.SimulatedLane.State;
import hookqueue.delivery.SimulatedLane.Weather;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Simulates thousands of lives of a lane. A failure reports its seed; {@code -Dhookqueue.seed=N}
 * repeats that life alone.
 */
@Timeout(600) // seconds; on a busy machine a test takes up to three minutes
class DeliveryPolicySimulationTest {
    private static final int LIVES = Integer.getInteger("hookqueue.lives", 60);

    /** One life. */
    private record Life(SimulatedLane world, Random random) {
        static Life of(long seed) {
            var random = new Random(seed);
            int batch = 1 + random.nextInt(random.nextBoolean() ? 12 : 200);
            int slots = 1 + random.nextInt(random.nextBoolean() ? 4 : 16);
            return new Life(
                    new SimulatedLane(random, slots, batch, 1 + random.nextInt(10)), random);
        }

        /** The policy cannot distinguish a shorter outage from bad paths. */
        int shortestOutage() {
            return log2(world.batch) + 12 + 2 * world.slots;
        }

        /** Arrivals, restarts, crashes in the middle of a run, and outages of one kind. */
        void live(Weather trouble, double badShare) {
            int events = 1 + random.nextInt(25);
            for (int i = 0; i < events; i++) {
                switch (random.nextInt(6)) {
                    case 0, 1 -> arrivals(random.nextInt(3 * world.batch), badShare);
                    case 2 -> arrivals(1, badShare);
                    case 3 -> {
                        if (world.weather == Weather.FINE) {
                            world.weather = trouble;
                            world.weatherRuns = shortestOutage() + random.nextInt(40);
                        }
                    }
                    case 4 -> world.deathIn = 1 + random.nextInt(8);
                    default -> world.now += random.nextInt(600_000);
                }
                int turns = random.nextInt(40);
                for (int t = 0; t < turns; t++) {
                    world.turn();
                }
            }
            world.deathIn = -1;
            while (world.weather != Weather.FINE) {
                arrivals(1, badShare);
                world.turn();
            }
            arrivals(1, 0);
        }

        void arrivals(int count, double badShare) {
            for (int i = 0; i < count; i++) {
                world.arrive(random.nextDouble() < badShare);
            }
        }

        /**
         * Continues without outages until all good paths are delivered; fails if that takes more
         * child processes than the limit.
         */
        void deliverAllGood() {
            world.weather = Weather.FINE;
            world.weatherRuns = 0;
            long most = mostRuns();
            long before = world.runs;
            while (world.goodOutstanding()) {
                world.turn();
                assertTrue(
                        world.runs - before <= most,
                        () -> "good paths are not delivered after " + most + " runs");
            }
        }

        /**
         * The sum of: two runs for each batch of the smallest size that is worth a child, one run
         * for each large path, and for each bad path the runs that find it twice within a batch.
         */
        private long mostRuns() {
            long open = world.count(State.FRESH) + world.count(State.DEFERRED);
            long bad =
                    world.rows.values().stream()
                            .filter(row -> world.bad.contains(row.id))
                            .filter(row -> row.state != State.FAILED)
                            .count();
            return 20
                    + 2 * (open / Math.min(world.batch, SimulatedLane.WORTH_A_CHILD) + 1)
                    + world.largeOutstanding()
                    + bad * (4L * log2(world.batch) + 16);
        }

        void assertNothingIsLost() {
            for (SimulatedLane.Row row : world.all()) {
                if (world.bad.contains(row.id)) {
                    assertFalse(row.state == State.DONE, () -> "bad path delivered: " + row.id);
                } else {
                    assertEquals(State.DONE, row.state, () -> "not delivered: " + row.id);
                    assertTrue(world.there.contains(row.id), () -> "lost: " + row.id);
                }
            }
        }
    }

    static int log2(int n) {
        return n <= 1 ? 0 : 32 - Integer.numberOfLeadingZeros(n - 1);
    }

    private static void lives(Consumer<Life> script) {
        lives(LIVES, script);
    }

    private static void lives(int count, Consumer<Life> script) {
        Long only = Long.getLong("hookqueue.seed");
        long first = only == null ? System.nanoTime() : only;
        for (long seed = first; seed < first + (only == null ? count : 1); seed++) {
            Life life = Life.of(seed);
            try {
                script.accept(life);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "-Dhookqueue.seed="
                                + seed
                                + " batch "
                                + life.world.batch
                                + ", max attempts "
                                + life.world.maxAttempts
                                + ", bad "
                                + life.world.bad
                                + "\n"
                                + String.join("\n", life.world.story),
                        e);
            }
        }
    }

    @Test
    void despiteOutagesAndRestartsEveryGoodPathIsDeliveredAndNoneIsBlamed() {
        lives(life -> {
            life.live(Weather.DOWN, 0);
            life.deliverAllGood();
            life.assertNothingIsLost();
            assertEquals(0, life.world.falseBlames, "blames of good paths");
        });
    }

    @Test
    void badPathsNeitherBlockGoodOnesNorGetThemBlamed() {
        lives(life -> {
            life.live(Weather.DOWN, life.random.nextDouble() * 0.5);
            life.deliverAllGood();
            life.assertNothingIsLost();
            assertEquals(0, life.world.falseBlames, "blames of good paths");
        });
    }

    @Test
    void onceGoodPathsAreDeliveredBadPathsFailAfterExactlyTheAttemptLimit() {
        // Long outages: if few other paths are delivered, a round blames at most three.
        lives(
                LIVES / 5,
                life -> {
                    life.live(Weather.DOWN, 0.2);
                    SimulatedLane world = life.world;
                    long most = 100_000;
                    for (long i = 0;
                            world.count(State.FRESH) + world.count(State.DEFERRED) > 0;
                            i++) {
                        if (i % 20 == 0 && world.count(State.FRESH) == 0) {
                            world.arrive(false);
                        }
                        world.turn();
                        assertTrue(i < most, () -> "not all settled after " + most + " turns");
                    }
                    for (SimulatedLane.Row row : world.all()) {
                        boolean bad = world.bad.contains(row.id);
                        assertEquals(
                                bad ? State.FAILED : State.DONE, row.state, () -> "path " + row.id);
                        assertEquals(
                                bad ? world.maxAttempts : 0, row.failures, () -> "path " + row.id);
                    }
                });
    }

    /**
     * A full destination accepts the weak proof. So the policy can blame some paths if the
     * destination gets full in the middle of a round.
     */
    @Test
    void aDestinationThatGetsFullHasAtMostThreePathsBlamedOnce() {
        lives(life -> {
            SimulatedLane world = life.world;
            if (world.maxAttempts < 2) {
                return;
            }
            life.arrivals(1 + life.random.nextInt(3 * world.batch), 0);
            for (int i = life.random.nextInt(3); i > 0; i--) {
                world.turn();
            }
            world.weather = Weather.FULL;
            for (int i = 0; i < 120; i++) {
                if (life.random.nextInt(10) == 0) {
                    life.arrivals(1 + life.random.nextInt(world.batch), 0);
                }
                world.turn();
            }
            assertTrue(world.falseBlames <= 3, () -> world.falseBlames + " blames");
            life.deliverAllGood();
            life.assertNothingIsLost();
        });
    }

    /** No path is blamed, and a destination that is busy for an hour gets few child processes. */
    @Test
    void aBusyDestinationGetsFewChildProcessesAndNoPathIsBlamed() {
        lives(
                LIVES / 2,
                life -> {
                    SimulatedLane world = life.world;
                    life.arrivals(1 + life.random.nextInt(3 * world.batch), 0);
                    world.weather = Weather.BUSY;
                    long start = world.now;
                    while (world.now < start + 3_600_000L) {
                        world.turn();
                    }
                    assertTrue(
                            world.runs <= 3L * world.slots + 30,
                            () -> world.runs + " runs in an hour of being busy");
                    life.deliverAllGood();
                    life.assertNothingIsLost();
                    assertEquals(0, world.falseBlames, "blames of good paths");
                    assertTrue(
                            world.all().stream().allMatch(row -> row.inconclusive == 0),
                            "no path is even deferred");
                });
    }

    /** Fewer than three paths never prove an outage, so each of two paths retries by itself. */
    @Test
    void anOutageCostsFewChildProcesses() {
        lives(life -> {
            SimulatedLane world = life.world;
            life.arrivals(1 + life.random.nextInt(3 * world.batch), 0);
            world.weather = Weather.DOWN;
            long start = world.now;
            while (world.now < start + 24 * 3_600_000L) {
                world.turn();
            }
            assertTrue(
                    world.runs <= 2 * 24 * 60 / 12 + 30,
                    () -> world.runs + " runs in a day's outage");
        });
    }
}
