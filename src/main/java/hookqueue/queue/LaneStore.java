package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One configured lane: its due entries, the verdicts on them, and its breaker.
 *
 * <p>A lane reads entries, works on them for any time, and records verdicts. A verdict counts only
 * while its entry is unchanged: an operator may have retried the entry meanwhile, or dropped it and
 * queued the path again.
 */
public record LaneStore(
        Sql sql, RemovalStore removals, Effects.Collector effects, String name, long id) {
    /** The lane that signs. It releases the held paths of the other lanes. */
    public static final String SIGN = "sign";

    private static final String ENTRY =
            "SELECT p.id, p.name, d.tries, d.attempts, d.changed_at < l.last_delivery, d.changed_at"
                    + " FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane"
                    + " WHERE d.lane = ?1 AND d.state = ?2";

    /** Matches an entry that was not retried, dropped or queued again since the lane read it. */
    private static final String UNCHANGED = " WHERE path = ? AND lane = ? AND changed_at = ?";

    /**
     * Due paths that have never failed on their own, the oldest first. Paths that had failed before
     * a client retried them come last: frequent retries must not starve the others.
     */
    public List<Entry> fresh(int limit) throws SQLException {
        return entries(" ORDER BY d.due_at, d.path LIMIT ?3", State.FRESH, limit);
    }

    /** The youngest of the first paths in {@link #fresh}: a trial takes it. */
    public List<Entry> youngest() throws SQLException {
        return entries(
                " AND d.due_at = (SELECT MIN(due_at) FROM delivery WHERE lane = ?1 AND state = ?2)"
                        + " ORDER BY d.path DESC LIMIT ?3",
                State.FRESH,
                1);
    }

    /**
     * Deferred paths that are due, or due later than the longest delay: then the clock was set
     * back.
     */
    public List<Entry> due(long now, long longestDelay, int limit) throws SQLException {
        return entries(
                " AND (d.due_at <= ?4 OR d.due_at > ?5) ORDER BY d.due_at, d.path LIMIT ?3",
                State.DEFERRED,
                limit,
                now,
                now + longestDelay);
    }

    public List<Entry> deferred(int limit) throws SQLException {
        return entries(" ORDER BY d.due_at, d.path LIMIT ?3", State.DEFERRED, limit);
    }

    private List<Entry> entries(String rest, State state, int limit, Object... more)
            throws SQLException {
        return sql.query(LaneStore::entry, ENTRY + rest, Sql.with(more, id, state, limit));
    }

    private static Entry entry(ResultSet row) throws SQLException {
        return new Entry(
                row.getLong(1),
                ReportQueries.storePath(row.getString(2)),
                row.getInt(3),
                row.getInt(4),
                row.getBoolean(5),
                row.getLong(6));
    }

    public Optional<Long> nextDue() throws SQLException {
        return sql.number(
                "SELECT due_at FROM delivery WHERE lane = ? AND state = ? ORDER BY due_at LIMIT 1",
                id,
                State.DEFERRED);
    }

    public boolean hasHeld() throws SQLException {
        return sql.exists("SELECT 1 FROM lane WHERE id = ? AND held > 0", id);
    }

    /**
     * Makes deferred paths that were never blamed due now: a delivery has shown that the
     * destination works.
     */
    public void hasten(long now) throws SQLException {
        String makeDue =
                "UPDATE delivery SET due_at = ? WHERE lane = ? AND state = ? AND attempts = 0 AND due_at > ?";
        if (sql.update(makeDue, now, id, State.DEFERRED, now) > 0) {
            effects.changed();
        }
    }

    public void record(List<Verdict> verdicts, long bytes, long now) throws SQLException {
        int delivered = 0;
        var latencies = new ArrayList<Long>();
        for (Verdict verdict : verdicts) {
            long path = verdict.entry().id();
            long read = verdict.entry().changedAt();
            switch (verdict) {
                case Verdict.Delivered done -> {
                    if (sql.update("DELETE FROM delivery" + UNCHANGED, path, id, read) > 0) {
                        delivered++;
                        sql.number("SELECT queued_at FROM path WHERE id = ?", path)
                                .ifPresent(at -> latencies.add(now - at));
                        after(path, now);
                        removals.settleIfDone(path, done.entry().path(), now);
                    }
                }
                case Verdict.Deferred later ->
                        sql.update(
                                "UPDATE delivery SET state = ?, due_at = ?, tries = ?, attempts = ?, reason = ?, changed_at = ?"
                                        + UNCHANGED,
                                State.DEFERRED,
                                later.dueAt(),
                                later.inconclusive(),
                                later.failures(),
                                later.reason(),
                                now,
                                path,
                                id,
                                read);
                case Verdict.Failed failed ->
                        sql.update(
                                "UPDATE delivery SET state = ?, attempts = ?, reason = ?, changed_at = ?"
                                        + UNCHANGED,
                                State.FAILED,
                                failed.failures(),
                                failed.reason(),
                                now,
                                path,
                                id,
                                read);
            }
        }
        if (delivered > 0) {
            String count =
                    "UPDATE lane SET delivered = delivered + ?, bytes = bytes + ?, last_delivery = ? WHERE id = ?";
            sql.update(count, delivered, bytes, now, id);
            LaneTotals.observe(sql, id, Histogram.Kind.LATENCY, latencies);
        }
        effects.changed();
    }

    /** Releases the held deliveries after a signature, or remembers a delivery. */
    private void after(long path, long now) throws SQLException {
        if (name.equals(SIGN)) {
            String release =
                    "UPDATE delivery SET state = ?, changed_at = ? WHERE path = ? AND state = ?";
            sql.update(release, State.FRESH, now, path, State.HELD);
        } else {
            String remember = "INSERT OR REPLACE INTO delivered (lane, path, at) VALUES (?, ?, ?)";
            sql.update(remember, id, path, now);
        }
    }

    /** A remembered delivery: the path's row, and the time of the last one. */
    public record Delivered(long id, StorePath path, long at) {}

    /**
     * Remembered deliveries after a row, in the order of rows, without paths that are queued for
     * this lane again. Empty for {@link #SIGN}.
     */
    public List<Delivered> deliveredAfter(long row, int limit) throws SQLException {
        String rows =
                "SELECT p.id, p.name, r.at FROM delivered r JOIN path p ON p.id = r.path"
                        + " WHERE r.lane = ?1 AND r.path > ?2 AND NOT EXISTS"
                        + " (SELECT 1 FROM delivery d WHERE d.path = r.path AND d.lane = ?1)"
                        + " ORDER BY r.path LIMIT ?3";
        return sql.query(
                found ->
                        new Delivered(
                                found.getLong(1),
                                ReportQueries.storePath(found.getString(2)),
                                found.getLong(3)),
                rows,
                id,
                row,
                limit);
    }

    public void ran(BatchResult run) throws SQLException {
        LaneTotals.count(sql, id, run);
        SpeedStore.measure(sql, id, run);
    }

    public Speed speed() throws SQLException {
        return SpeedStore.of(sql, id);
    }

    public Breaker breaker() throws SQLException {
        return sql.first(
                        row ->
                                new Breaker(
                                        row.getInt(1),
                                        row.getLong(2),
                                        row.getLong(3),
                                        row.getString(4)),
                        "SELECT breaker_failures, breaker_until, breaker_since, breaker_reason FROM lane WHERE id = ?",
                        id)
                .orElse(Breaker.CLOSED);
    }

    public void breaker(Breaker breaker) throws SQLException {
        String update =
                "UPDATE lane SET breaker_failures = ?, breaker_until = ?, breaker_since = ?, breaker_reason = ?"
                        + " WHERE id = ?";
        sql.update(
                update, breaker.failures(), breaker.until(), breaker.since(), breaker.reason(), id);
        effects.changed();
    }
}
