import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Whether a soak's second half needs no more than its first. The first tenth is left out: a JVM compiles and loads what
 * it needs in it. Of each half, three figures are compared: what 5 % of the samples are below, which is what a leak
 * raises, the median, and what 5 % are above.
 *
 * <p>Of the database only what a path adds to it is limited, for settled paths are remembered for a time, and so many.
 */
final class Flat {
    private static final double BYTES_A_PATH = 500;

    /**
     * A column, and by how much its figures may be above those of the first half: a part of them, and a number; another
     * one for the upper figure, which the pipes of a child that starts just then may raise on a busy machine.
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

    /** What has grown; nothing, when all is well. */
    static List<String> judge(Table table) {
        var grown = new ArrayList<String>();
        for (Limit limit : LIMITS) {
            double[] all = table.column(limit.column);
            int warm = all.length / 10;
            int middle = warm + (all.length - warm) / 2;
            for (int p : new int[] {5, 50, 95}) {
                double before = Stats.percentile(p, Arrays.copyOfRange(all, warm, middle));
                double after = Stats.percentile(p, Arrays.copyOfRange(all, middle, all.length));
                String text = "%s, %d %% of the samples at most: %.0f in the first half, %.0f in the second"
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
        String text = "database: %.0f bytes more for each path that is remembered".formatted(each);
        System.out.println(text);
        if (each > BYTES_A_PATH) {
            grown.add(text);
        }
        return grown;
    }
}
