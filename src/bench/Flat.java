import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Whether a soak's second half needs no more than its first. The first tenth is left out: a JVM compiles and loads what
 * it needs in it.
 */
final class Flat {
    /** A column, and by how much its median and its maximum may be above those of the first half: a part, and a number. */
    private record Limit(String column, double part, double number) {}

    private static final List<Limit> LIMITS = List.of(
            new Limit("rss_kb", 0.05, 0),
            new Limit("descriptors", 0, 2),
            new Limit("threads", 0, 2),
            new Limit("database", 0.05, 0),
            new Limit("wal", 0.05, 0),
            new Limit("children", 0, 2),
            new Limit("roots", 0.25, 5));

    private Flat() {}

    /** What has grown; nothing, when all is well. */
    static List<String> judge(Table table) {
        var grown = new ArrayList<String>();
        for (Limit limit : LIMITS) {
            double[] all = table.column(limit.column);
            int warm = all.length / 10;
            int middle = warm + (all.length - warm) / 2;
            double[] first = Arrays.copyOfRange(all, warm, middle);
            double[] second = Arrays.copyOfRange(all, middle, all.length);
            double medianBefore = Stats.median(first);
            double median = Stats.median(second);
            double mostBefore = Arrays.stream(first).max().orElseThrow();
            double most = Arrays.stream(second).max().orElseThrow();
            System.out.printf(
                    "%-12s median %.0f, then %.0f; at most %.0f, then %.0f%n",
                    limit.column, medianBefore, median, mostBefore, most);
            if (median > medianBefore * (1 + limit.part) + limit.number) {
                grown.add("%s: the median grew from %.0f to %.0f".formatted(limit.column, medianBefore, median));
            }
            if (most > mostBefore * (1 + limit.part) + limit.number) {
                grown.add("%s: the maximum grew from %.0f to %.0f".formatted(limit.column, mostBefore, most));
            }
        }
        return grown;
    }
}
