package hookqueue.queue;

import java.sql.SQLException;
import java.util.List;

/**
 * The {@link Speed} of the lanes, in the table {@code tally}, because the worker ends whenever it
 * is idle. The sums weigh the last batches most, as in {@link Pace}.
 *
 * <p>A speed becomes slow below one threshold and stops being slow above another one, so that it
 * does not change with every batch. Between them it stays as it was.
 */
final class SpeedStore {
    private static final String BYTES = "speed bytes";
    private static final String PATHS = "speed paths";

    private static final int AMOUNT = 0;
    private static final int MILLIS = 1;
    private static final int SLOW = 2;

    /** Smaller batches show the latency, and not the throughput. */
    private static final long MANY_BYTES = 1_000_000;

    /** Smaller batches show how long a child process takes to start. */
    private static final int MANY_PATHS = 10;

    /** The mean size of a path for which the answer takes longer than the transfer. */
    private static final long SMALL_PATH = 20_000;

    /** Less time than this is no evidence: the network may have been slow for a moment. */
    private static final long ENOUGH_MILLIS = 5_000;

    /** xz takes 1.4 to 3 MB/s on a processor core; below 0.5 the link is slower than xz. */
    private static final double XZ_LEAST = 500;

    private static final double XZ_MOST = 4_000;
    private static final double NOT_XZ = 6_000;

    /** 50 ms of round-trip time cost ssh:// 60 to 110 ms a path. */
    private static final double SSH_LEAST = 40;

    private static final double NOT_SSH = 25;

    private SpeedStore() {}

    static void measure(Sql sql, long lane, BatchResult run) throws SQLException {
        if (run.result() != BatchResult.Result.DELIVERED || run.bytes() == 0) {
            return;
        }
        if (run.bytes() >= MANY_BYTES) {
            Sums sums = add(sql, lane, BYTES, run.bytes(), run.millis());
            double bytesPerMilli = (double) sums.amount() / sums.millis();
            boolean slow = bytesPerMilli >= XZ_LEAST && bytesPerMilli <= XZ_MOST;
            boolean notSlow = bytesPerMilli < XZ_LEAST / 2 || bytesPerMilli > NOT_XZ;
            conclude(sql, lane, BYTES, sums, slow, notSlow);
        }
        if (run.delivered() >= MANY_PATHS && run.bytes() / run.delivered() <= SMALL_PATH) {
            Sums sums = add(sql, lane, PATHS, run.delivered(), run.millis());
            double millisPerPath = (double) sums.millis() / sums.amount();
            conclude(sql, lane, PATHS, sums, millisPerPath >= SSH_LEAST, millisPerPath < NOT_SSH);
        }
    }

    /** What the table holds about one speed; zeros before the first batch. */
    private record Sums(long amount, long millis, boolean slow) {
        /** A speed that is known to be slow may need less evidence to be fast again. */
        boolean areEnough() {
            return millis >= ENOUGH_MILLIS || (millis > 0 && slow);
        }
    }

    private static Sums add(Sql sql, long lane, String what, long amount, long millis)
            throws SQLException {
        LaneTotals.add(sql, lane, what, AMOUNT, amount, Pace.KEPT);
        LaneTotals.add(sql, lane, what, MILLIS, Math.max(1, millis), Pace.KEPT);
        return sums(sql, lane, what);
    }

    private static void conclude(
            Sql sql, long lane, String what, Sums sums, boolean slow, boolean notSlow)
            throws SQLException {
        if (sums.areEnough() && (slow || notSlow)) {
            LaneTotals.add(sql, lane, what, SLOW, slow ? 1 : 0, 0);
        }
    }

    private record Sum(int slot, long value) {}

    private static Sums sums(Sql sql, long lane, String what) throws SQLException {
        var values = new long[SLOW + 1];
        String slots = "SELECT slot, value FROM tally WHERE lane = ? AND what = ?";
        List<Sum> sums =
                sql.query(row -> new Sum(row.getInt(1), row.getLong(2)), slots, lane, what);
        for (Sum sum : sums) {
            values[sum.slot()] = sum.value();
        }
        return new Sums(values[AMOUNT], values[MILLIS], values[SLOW] > 0);
    }

    static Speed of(Sql sql, long lane) throws SQLException {
        Sums bytes = sums(sql, lane, BYTES);
        Sums paths = sums(sql, lane, PATHS);
        return new Speed(
                bytes.amount() * 1_000 / Math.max(1, bytes.millis()),
                bytes.slow(),
                paths.millis() / Math.max(1, paths.amount()),
                paths.slow());
    }
}
