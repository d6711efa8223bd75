import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Judges whether a soak's second half needs more resources than its first. The first tenth does not count, because a JVM
 * still loads and compiles classes. It compares the 5th percentile of each half, which a leak raises, the median, and the
 * 95th percentile.
 *
 * <p>The database may grow by a limited number of bytes per path, because it remembers settled paths for a time.
 */
final class Flat {
    private static final double BYTES_A_PATH = 500;

    /**
     * How much a column may grow: by a part of the first half's figure, and by a number. For the 95th percentile the number
     * is {@code above}: on a busy machine the pipes of a child process that just starts raise it.
     */
    private record Limit(String column, double part, double number, double above) {}

    private static final List<Limit> LIMITS = List.of(
            new Limit("rss_kb", 0.05, 0, 0),
            new Limit("descriptors", 0, 1, 8),
            new Limit("threads", 0, 1, 2),
            new Limit("wal", 0.05, 0, 0),
            new Limit("children", 0, 0, 2),
            new Limit("roots", 0.25, 2, 5));

    private Flat() {}

    /** The figures that have grown too much. */
    static List<String> judge(Table table) {
        var grown = new ArrayList<String>();
        for (Limit limit : LIMITS) {
            double[] all = table.column(limit.column);
            int warm = all.length / 10;
            int middle = warm + (all.length - warm) / 2;
            for (int p : new int[] {5, 50, 95}) {
                double before = Stats.percentile(p, Arrays.copyOfRange(all, warm, middle));
                double after = Stats.percentile(p, Arrays.copyOfRange(all, middle, all.length));
                String text = "%s, percentile %d: %.0f in the first half, %.0f in the second"
                        .formatted(limit.column, p, before, after);
                System.out.println(text);
                if (after > before * (1 + limit.part) + (p > 50 ? limit.above : limit.number)) {
                    grown.add(text);
                }
            }
        }
        double[] size = table.column("database");
        double[] arrived = table.column("arrived");
        int last = size.length - 1;
        double each = (size[last] - size[last / 10]) / Math.max(1, arrived[last] - arrived[last / 10]);
        String text = "database: %.0f bytes for each remembered path".formatted(each);
        System.out.println(text);
        if (each > BYTES_A_PATH) {
            grown.add(text);
        }
        return grown;
    }
}
