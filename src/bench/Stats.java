import java.util.Arrays;
import java.util.List;

/** Percentiles of measurements. */
final class Stats {
    private Stats() {}

    static double median(double... values) {
        return percentile(50, values);
    }

    static double median(List<Double> values) {
        return median(array(values));
    }

    static double percentile(double p, List<Double> values) {
        return percentile(p, array(values));
    }

    /** Interpolated between the two nearest values; p from 0 to 100. */
    static double percentile(double p, double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("no values");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = p / 100 * (sorted.length - 1);
        int below = (int) Math.floor(at);
        int above = (int) Math.ceil(at);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    static double[] array(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
