package hookqueue.queue;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The totals of all lanes, in the table {@code tally}. They outlive the worker, which ends whenever
 * it is idle. Every change touches a few rows, for any number of paths.
 */
final class LaneTotals {
    private static final String RUNS = "runs ";
    private static final long SUM = -1;
    private static final long NO_BOUND = Long.MAX_VALUE;

    private LaneTotals() {}

    static void count(Sql sql, long lane, BatchResult run) throws SQLException {
        add(sql, lane, RUNS + run.result(), 0, 1, 1);
        observe(sql, lane, Histogram.Kind.CHILD, List.of(run.millis()));
        if (run.result() == BatchResult.Result.DELIVERED && run.delivered() > 0) {
            String recent =
                    "UPDATE lane SET recent_paths = recent_paths * "
                            + Pace.KEPT
                            + " + ?,"
                            + " recent_millis = recent_millis * "
                            + Pace.KEPT
                            + " + ? WHERE id = ?";
            sql.update(recent, run.delivered(), run.share(), lane);
        }
    }

    static void observe(Sql sql, long lane, Histogram.Kind kind, List<Long> times)
            throws SQLException {
        var counts = new HashMap<Long, Long>();
        long sum = 0;
        for (long time : times) {
            long millis = Math.max(0, time); // the clock was set back
            int place = kind.place(millis);
            long bound = place < kind.bounds().size() ? kind.bounds().get(place) : NO_BOUND;
            counts.merge(bound, 1L, Long::sum);
            sum += millis;
        }
        for (Map.Entry<Long, Long> each : counts.entrySet()) {
            add(sql, lane, kind.stored(), each.getKey(), each.getValue(), 1);
        }
        if (sum > 0) {
            add(sql, lane, kind.stored(), SUM, sum, 1);
        }
    }

    /** Adds to a value of which only a part is kept, 0 for none. */
    static void add(Sql sql, long lane, String what, long slot, long more, double kept)
            throws SQLException {
        String add =
                "INSERT INTO tally (lane, what, slot, value) VALUES (?, ?, ?, ?)"
                        + " ON CONFLICT (lane, what, slot) DO UPDATE"
                        + " SET value = CAST(value * "
                        + kept
                        + " AS INTEGER) + excluded.value";
        sql.update(add, lane, what, slot, more);
    }

    private record Sum(String what, long slot, long value) {}

    static List<LaneTotal> all(Sql sql, List<LaneCounts> lanes) throws SQLException {
        var all = new ArrayList<LaneTotal>(lanes.size());
        for (LaneCounts lane : lanes) {
            List<Sum> sums =
                    sql.query(
                            row -> new Sum(row.getString(1), row.getLong(2), row.getLong(3)),
                            "SELECT what, slot, value FROM tally WHERE lane = (SELECT id FROM lane WHERE name = ?)",
                            lane.name());
            all.add(
                    new LaneTotal(
                            lane.name(),
                            runs(sums),
                            histogram(Histogram.Kind.CHILD, sums),
                            histogram(Histogram.Kind.LATENCY, sums)));
        }
        return all;
    }

    private static Map<BatchResult.Result, Long> runs(List<Sum> sums) {
        var runs = new EnumMap<BatchResult.Result, Long>(BatchResult.Result.class);
        for (BatchResult.Result result : BatchResult.Result.values()) {
            runs.put(
                    result,
                    sums.stream()
                            .filter(sum -> sum.what().equals(RUNS + result))
                            .mapToLong(Sum::value)
                            .sum());
        }
        return runs;
    }

    /** Reads the stored bounds and not their indexes, so that later versions can add bounds. */
    private static Histogram histogram(Histogram.Kind kind, List<Sum> sums) {
        long[] counts = new long[kind.bounds().size() + 1];
        long total = 0;
        for (Sum sum : sums) {
            if (sum.what().equals(kind.stored()) && sum.slot() == SUM) {
                total = sum.value();
            } else if (sum.what().equals(kind.stored())) {
                counts[kind.place(sum.slot())] += sum.value();
            }
        }
        return new Histogram(kind, Arrays.stream(counts).boxed().toList(), total);
    }
}
