import hookqueue.testkit.FakeNix;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What is done to a queue, from a seed alone: the same seed is the same script.
 *
 * @param seed of all its choices
 * @param settings what the worker begins with
 * @param steps in this order
 */
record Script(long seed, Settings settings, List<Step> steps) {

    /**
     * @param batchSize most paths in one child process
     * @param signs whether paths are signed first
     * @param smallDisk whether the state directory is a small disk of its own, which can be filled; that needs root
     * @param mostAttempts how often a path is tried that is to blame
     */
    record Settings(int batchSize, boolean signs, boolean smallDisk, int mostAttempts) {}

    /** How a destination may be; the others last only as long as a step. */
    private static final List<FakeNix.Mode> MODES = List.of(FakeNix.Mode.UP, FakeNix.Mode.SLOW, FakeNix.Mode.DOWN,
            FakeNix.Mode.HALF, FakeNix.Mode.CRASH, FakeNix.Mode.HANG);

    /** Chosen so that the first twenty scripts of ./dev test have every late fault twice. */
    private static final long LATE = 109;

    /** A step that is drawn more often than others stands here more often. */
    private enum Kind {
        HOOKS, HOOKS2, HOOKS3, LINE, LINE2, DESTINATION, DESTINATION2, DESTINATION3, KILL, KILL2, TERMINATE, STOP, LISTEN,
        LISTEN2, VANISH, SPOOL_LITTER, DATABASE, DISK, PAUSE, RETRY, REST, CLIENTS, REPEAT, BATCH, COLLECT, COLLECT2, ALONE, WITHOUT, WITHOUT2,
        CLOCK, SICK, SICK2, FILTER, FILTER2, HOOKS_KILLED, AWAIT, AWAIT2, NEW_DESTINATION, DROP, UNROOTED, UNROOTED2, SIGNING,
        SICK_FOR_A_MOMENT, CLOCK_SET_BACK
    }

    static Script of(long seed, boolean disks) {
        var random = new Random(seed * 0x9E3779B97F4A7C15L + 1);
        int[] sizes = {1, 3, 20, 200};
        var settings = new Settings(sizes[random.nextInt(sizes.length)], random.nextBoolean(),
                random.nextInt(4) == 0 && disks, random.nextInt(4) == 0 ? 3 : 1);
        var steps = new ArrayList<Step>();
        steps.add(new Step.Hooks(1 + random.nextInt(4), 1 + random.nextInt(3), random.nextLong()));
        int length = 6 + random.nextInt(8);
        for (int i = 0; i < length; i++) {
            steps.add(step(random, settings));
        }
        insert(seed, steps);
        return new Script(seed, settings, List.copyOf(steps));
    }

    /** Faults of later days have choices of their own, so that those of each script before them stayed what they were. */
    private enum LateKind {
        LOSE, LOSE_IN_FLIGHT, DERIVATIONS, CRAWL, STUCK, MISTYPED, RENAMED, RETIRED, WAITERS, TERMINATE_WHILE_SENDING
    }

    private static void insert(long seed, List<Step> steps) {
        var random = new Random(seed * 0xD1342543DE82EF95L + LATE);
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            Step step = lateStep(random);
            steps.add(1 + random.nextInt(steps.size()), step);
        }
    }

    private static Step lateStep(Random random) {
        LateKind kind = LateKind.values()[random.nextInt(LateKind.values().length)];
        String store = Destinations.STORES.get(random.nextInt(Destinations.STORES.size()));
        return switch (kind) {
            case LOSE -> new Step.Lose(store, random.nextBoolean());
            case LOSE_IN_FLIGHT -> new Step.LoseInFlight(store);
            case DERIVATIONS -> new Step.Derivations();
            case CRAWL -> new Step.Crawl(store);
            case STUCK -> new Step.Stuck(store);
            case MISTYPED -> new Step.Mistyped(store, random.nextLong());
            case RENAMED -> new Step.Renamed(Destinations.ALL.get(random.nextInt(Destinations.ALL.size())));
            case RETIRED -> new Step.Retired();
            case WAITERS -> new Step.Waiters(random.nextLong());
            case TERMINATE_WHILE_SENDING -> new Step.TerminateWhileSending();
        };
    }

    private static Step step(Random random, Settings settings) {
        Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
        return switch (kind) {
            case HOOKS, HOOKS2, HOOKS3 -> new Step.Hooks(1 + random.nextInt(8), 1 + random.nextInt(4), random.nextLong());
            case LINE, LINE2 -> new Step.Line(1 + random.nextInt(40), random.nextLong());
            case DESTINATION, DESTINATION2, DESTINATION3 -> new Step.Destination(
                    Destinations.ALL.get(random.nextInt(Destinations.ALL.size())),
                    MODES.get(random.nextInt(MODES.size())));
            case KILL, KILL2 -> new Step.Kill(random.nextInt(300));
            case TERMINATE -> new Step.Terminate();
            case STOP -> new Step.Stopped(1 + random.nextInt(3), 300 + random.nextInt(1500), random.nextLong());
            case LISTEN, LISTEN2 -> new Step.Listen();
            case VANISH -> new Step.Vanish(random.nextLong());
            case SPOOL_LITTER -> new Step.SpoolLitter(random.nextInt(6));
            case DATABASE -> new Step.DamageDatabase(random.nextInt(5), random.nextLong());
            case DISK -> {
                boolean full = random.nextBoolean();
                yield settings.smallDisk() ? new Step.Disk(full) : new Step.Rest(100);
            }
            case PAUSE -> new Step.Ask(random.nextBoolean() ? "pause" : "resume");
            case RETRY -> new Step.Ask("retry");
            case REST -> new Step.Rest(random.nextInt(900));
            case CLIENTS -> new Step.Clients(1 + random.nextInt(20), random.nextLong());
            case REPEAT -> new Step.Repeat(random.nextLong());
            case COLLECT, COLLECT2 -> new Step.Collect();
            case ALONE -> new Step.Alone(Destinations.ALL.get(random.nextInt(Destinations.ALL.size())));
            case WITHOUT, WITHOUT2 -> new Step.Without(random.nextInt(3) == 0 ? "" : Model.COMES_AND_GOES);
            case CLOCK -> new Step.Clock(random.nextInt(-600, 600));
            case SICK, SICK2 -> new Step.Sick(random.nextBoolean());
            case FILTER, FILTER2 -> new Step.Filter(random.nextBoolean());
            case HOOKS_KILLED -> new Step.HooksKilled(1 + random.nextInt(6), random.nextInt(250), random.nextLong());
            case AWAIT, AWAIT2 -> new Step.Await(1 + random.nextInt(5),
                    random.nextBoolean() ? "" : Destinations.ALL.get(random.nextInt(Destinations.ALL.size())), random.nextLong());
            case NEW_DESTINATION -> new Step.NewDestination();
            case SICK_FOR_A_MOMENT -> new Step.SickForAMoment(random.nextLong());
            case CLOCK_SET_BACK -> new Step.ClockSetBack(Destinations.ALL.get(random.nextInt(Destinations.ALL.size())));
            case SIGNING -> new Step.Signing(random.nextBoolean());
            case DROP -> new Step.Drop(random.nextLong());
            case UNROOTED, UNROOTED2 -> new Step.Unrooted(random.nextBoolean());
            case BATCH -> new Step.BatchSize(1 + random.nextInt(50));
        };
    }
}
