import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A random sequence of steps. The same seed makes the same script.
 *
 * @param settings the worker's first settings
 * @param steps in this order
 */
record Script(long seed, Settings settings, List<Drawn> steps) {
    /** Chosen so that the first twenty scripts of ./dev test have every step twice. */
    private static final long SALT = 45985;

    /** Each step as often as its weight says. */
    private static final List<Step> STEPS = Stream.of(Step.values())
            .flatMap(step -> Collections.nCopies(step.weight, step).stream())
            .toList();

    /**
     * @param batchSize most paths in one child process
     * @param signs whether the worker signs paths
     * @param smallDisk whether the state directory is a small disk of its own, which can be filled; needs root
     * @param maxAttempts how often a path is tried that is to blame
     */
    record Settings(int batchSize, boolean signs, boolean smallDisk, int maxAttempts) {}

    /** A step, and the arguments that it draws. */
    record Drawn(Step step, Choices choices) {
        @Override
        public String toString() {
            return step + " " + choices;
        }
    }

    static Script of(long seed, boolean disks) {
        var random = new Random(seed * 0x9E3779B97F4A7C15L + SALT);
        int[] sizes = {1, 3, 20, 200};
        var settings = new Settings(sizes[random.nextInt(sizes.length)], random.nextBoolean(),
                random.nextInt(4) == 0 && disks, random.nextInt(4) == 0 ? 3 : 1);
        var steps = new ArrayList<Drawn>();
        steps.add(new Drawn(Step.HOOKS, new Choices(random.nextLong())));
        int length = 8 + random.nextInt(8);
        for (int i = 0; i < length; i++) {
            steps.add(new Drawn(STEPS.get(random.nextInt(STEPS.size())), new Choices(random.nextLong())));
        }
        return new Script(seed, settings, List.copyOf(steps));
    }
}
