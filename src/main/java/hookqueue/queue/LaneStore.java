package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
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
        return sql.query(
                row ->
                        new Entry(
                                row.getLong(1),
                                ReportQueries.storePath(row.getString(2)),
                                row.getInt(3),
                                row.getInt(4),
                                row.getBoolean(5),
                                row.getLong(6)),
                ENTRY + rest,
                Sql.with(more, id, state, limit));
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
        var delivered = new ArrayList<Entry>();
        for (Verdict verdict : verdicts) {
            switch (verdict) {
                case Verdict.Delivered done -> delivered.add(done.entry());
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
                                later.entry().id(),
                                id,
                                later.entry().changedAt());
                case Verdict.Failed failed ->
                        sql.update(
                                "UPDATE delivery SET state = ?, attempts = ?, reason = ?, changed_at = ?"
                                        + UNCHANGED,
                                State.FAILED,
                                failed.failures(),
                                failed.reason(),
                                now,
                                failed.entry().id(),
                                id,
                                failed.entry().changedAt());
            }
        }
        if (!delivered.isEmpty()) {
            deliver(delivered, bytes, now);
        }
        effects.changed();
    }

    /**
     * Few statements for a whole batch: one for each path would take longer than the commit. After
     * CROSS JOIN, SQLite searches the rows of each entry, not the entries of each row.
     */
    private void deliver(List<Entry> entries, long bytes, long now) throws SQLException {
        record Done(long path, long queuedAt) {}
        String unchanged =
                "SELECT p.id, p.queued_at FROM json_each(?1) e"
                        + " CROSS JOIN delivery d ON d.path = e.value ->> 0 AND d.lane = ?2 AND d.changed_at = e.value ->> 1"
                        + " JOIN path p ON p.id = d.path";
        List<List<Long>> pairs = entries.stream().map(e -> List.of(e.id(), e.changedAt())).toList();
        String read = pairs.toString();
        List<Done> done =
                sql.query(row -> new Done(row.getLong(1), row.getLong(2)), unchanged, read, id);
        if (done.isEmpty()) {
            return;
        }
        String paths = done.stream().map(Done::path).toList().toString();
        sql.update(
                "DELETE FROM delivery WHERE lane = ? AND path IN " + RemovalStore.EACH, id, paths);
        if (name.equals(SIGN)) {
            String release =
                    "UPDATE delivery SET state = ?, changed_at = ? WHERE state = ? AND path IN ";
            sql.update(release + RemovalStore.EACH, State.FRESH, now, State.HELD, paths);
        } else {
            String remember =
                    "INSERT OR REPLACE INTO delivered (lane, path, at) SELECT ?, value, ? FROM json_each(?)";
            sql.update(remember, id, now, paths);
        }
        removals.settleDone(paths, now);
        String count =
                "UPDATE lane SET delivered = delivered + ?, bytes = bytes + ?, last_delivery = ? WHERE id = ?";
        sql.update(count, done.size(), bytes, now, id);
        List<Long> latencies = done.stream().map(each -> now - each.queuedAt()).toList();
        LaneTotals.observe(sql, id, Histogram.Kind.LATENCY, latencies);
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
