import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The extent of a measurement.
 *
 * @param dist the installed tree
 * @param quick fewer runs with less work, for development and not for the documents
 */
record Plan(Path dist, boolean quick) {

    int runs() {
        return quick ? 5 : 7;
    }

    /** Runs of a measurement that takes milliseconds. */
    int manyRuns() {
        return quick ? 31 : 101;
    }

    int pick(int quickly, int fully) {
        return quick ? quickly : fully;
    }

    /** Measures once. */
    interface Measurement {
        double run() throws IOException;
    }

    /** Measurements of the program and of a reference, in turn. */
    record Pairs(List<Double> ours, List<Double> reference) {}

    /** Measures A B A B …, after one of each that does not count. */
    static Pairs interleave(int runs, Measurement ours, Measurement reference) throws IOException {
        var pairs = new Pairs(new ArrayList<>(), new ArrayList<>());
        for (int i = 0; i <= runs; i++) {
            double a = ours.run();
            double b = reference.run();
            if (i > 0) {
                pairs.ours.add(a);
                pairs.reference.add(b);
            }
        }
        return pairs;
    }

    static double millisecondsSince(long began) {
        return (System.nanoTime() - began) / 1e6;
    }
}
