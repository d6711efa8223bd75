package hookqueue.queue;

import hookqueue.base.StorePath;
import java.sql.SQLException;
import java.util.List;

/**
 * The state of a verification of the remembered deliveries: a cursor and counts for each lane, in
 * the table {@code meta}. So an interrupted verification continues after the last batch.
 */
public record VerifyStore(Sql sql, Meta meta, PathStore paths) {
    private static final String SINCE = "verify_since";
    private static final String AT = "verify_at";
    private static final List<String> COUNTS = List.of("row", "checked", "sent", "queued", "lost");

    /**
     * The findings at one destination.
     *
     * @param row of the last checked path
     * @param sent paths that were missing and are there again, dependencies included
     * @param queued paths of batches that the destination refused: queued for it again
     * @param lost paths that neither the destination nor the local store has
     */
    public record Counts(long row, long checked, long sent, long queued, long lost) {
        /** The row of a lane that is done. */
        public static final long END = Long.MAX_VALUE;

        public static final Counts NONE = new Counts(0, 0, 0, 0, 0);

        /** Whether every remembered delivery was checked. */
        public boolean done() {
            return row == END;
        }

        public Counts at(long other) {
            return new Counts(other, checked, sent, queued, lost);
        }
    }

    /**
     * Continues the current verification, or begins one after {@code stale} milliseconds without
     * progress. Returns when it began: later deliveries need no check.
     */
    public long begin(long now, long stale) throws SQLException {
        long since = meta.get(SINCE);
        if (since > 0 && Math.abs(now - meta.get(AT)) <= stale) {
            return since;
        }
        end();
        meta.put(SINCE, now);
        meta.put(AT, now);
        return now;
    }

    public Counts counts(String lane) throws SQLException {
        var numbers = new long[COUNTS.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = meta.get(key(i, lane));
        }
        return new Counts(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }

    /** Records the progress at a destination, and queues paths again that may be missing there. */
    public void record(String lane, Counts counts, List<StorePath> refused, long now)
            throws SQLException {
        requeue(lane, refused, now);
        long[] numbers = {
            counts.row(), counts.checked(), counts.sent(), counts.queued(), counts.lost()
        };
        for (int i = 0; i < numbers.length; i++) {
            meta.put(key(i, lane), numbers[i]);
        }
        meta.put(AT, now);
    }

    public void requeue(String lane, List<StorePath> refused, long now) throws SQLException {
        for (StorePath path : refused) {
            paths.requeue(path, lane, now);
        }
    }

    public void end() throws SQLException {
        sql.update("DELETE FROM meta WHERE key GLOB 'verify_*'");
    }

    private static String key(int count, String lane) {
        return "verify_" + COUNTS.get(count) + ":" + lane;
    }
}
