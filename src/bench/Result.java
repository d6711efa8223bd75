import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A row of the table.
 *
 * @param id the row's name in the file, and on the command line
 * @param what a description of the measurement
 * @param unit of each measurement
 * @param ours measurements
 * @param reference measurements of the reference, in between; empty if the goal is not a ratio
 * @param against a description of the reference
 * @param goal for the ratio of the medians, or for the median; null for none
 * @param details further figures, for charts and tables
 */
record Result(
        String id,
        String what,
        String unit,
        List<Double> ours,
        List<Double> reference,
        String against,
        Goal goal,
        Map<String, Object> details) {

    /** An upper or a lower limit. */
    record Goal(boolean most, double limit) {
        static Goal atMost(double limit) {
            return new Goal(true, limit);
        }

        static Goal atLeast(double limit) {
            return new Goal(false, limit);
        }

        boolean met(double value) {
            return most ? value <= limit : value >= limit;
        }

        @Override
        public String toString() {
            return (most ? "≤ " : "≥ ") + number(limit);
        }
    }

    Result {
        if (ours.isEmpty() || !reference.isEmpty() && reference.size() != ours.size()) {
            throw new IllegalArgumentException(id + ": " + ours.size() + " and " + reference.size() + " measurements");
        }
    }

    /** Times in ms, with a goal for the ratio of the medians. */
    static Result ratio(String id, String what, String against, double goal, Plan.Pairs pairs) {
        return new Result(id, what, "ms", pairs.ours(), pairs.reference(), against, Goal.atMost(goal), Map.of());
    }

    /** Times in ms, without a goal. */
    static Result compared(String id, String what, String against, Plan.Pairs pairs) {
        return new Result(id, what, "ms", pairs.ours(), pairs.reference(), against, null, Map.of());
    }

    /** Measurements without a reference. */
    static Result plain(String id, String what, String unit, Goal goal, List<Double> ours) {
        return new Result(id, what, unit, ours, List.of(), "", goal, Map.of());
    }

    Result with(Map<String, Object> more) {
        var all = new LinkedHashMap<>(details);
        all.putAll(more);
        return new Result(id, what, unit, ours, reference, against, goal, all);
    }

    boolean isRatio() {
        return !reference.isEmpty();
    }

    /** The value that the goal limits. */
    double value() {
        return isRatio() ? Stats.median(ours) / Stats.median(reference) : Stats.median(ours);
    }

    String verdict() {
        return goal == null ? "" : goal.met(value()) ? "met" : "NOT MET";
    }

    /** "1.12 (1.05–1.20)": the ratio of the medians, and the least and greatest ratio of a pair. */
    String valueText() {
        if (!isRatio()) {
            return spread(ours) + " " + unit;
        }
        double least = Double.MAX_VALUE;
        double most = 0;
        for (int i = 0; i < ours.size(); i++) {
            double ratio = ours.get(i) / reference.get(i);
            least = Math.min(least, ratio);
            most = Math.max(most, ratio);
        }
        return String.format(Locale.ROOT, "%.2f (%.2f–%.2f)", value(), least, most);
    }

    /** "12.3 (11–14)": median, minimum and maximum. */
    static String spread(List<Double> values) {
        double[] all = Stats.array(values);
        return values.size() == 1
                ? number(all[0])
                : number(Stats.median(all)) + " (" + number(Stats.percentile(0, all)) + "–"
                        + number(Stats.percentile(100, all)) + ")";
    }

    /** Three significant digits, with separators of thousands. */
    static String number(double value) {
        double size = Math.abs(value);
        String form = size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : "%.2f";
        String text = String.format(Locale.ROOT, form, value);
        return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
    }

    /** For the file of measurements. */
    JsonObject json() {
        JsonObject json = Json.GSON.toJsonTree(this).getAsJsonObject();
        json.addProperty("value", value());
        json.addProperty("verdict", verdict());
        return json;
    }
}
