package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a lane takes from the queue, and what it records: verdicts on the paths that it took, and
 * its breaker.
 */
abstract sealed class LaneStore extends ReportQueries permits QueueTransaction {
    private static final String ENTRY =
            "SELECT p.id, p.name, d.tries, d.attempts, d.changed_at < l.last_delivery"
                    + " FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane";

    /** The rows of the lanes in force, by name. */
    final Map<String, Long> lanes = new HashMap<>();

    final List<GcRoots.Change> rootChanges = new ArrayList<>();

    /** Whether the transaction at hand changed what others wait for. */
    boolean changed;

    LaneStore(Connection connection) {
        super(connection);
    }

    /**
     * Paths of a lane that are due and have never failed on their own, the oldest first. Those that
     * had failed before somebody asked to try them again come last: whoever asks often must not
     * keep the others back.
     */
    public List<Entry> fresh(String lane, int limit) throws SQLException {
        return entries("ORDER BY d.due_at, d.path LIMIT ?", lane, FRESH, limit);
    }

    /**
     * The youngest of those that come first in {@link #fresh}: what a trial of a destination takes.
     */
    public List<Entry> youngest(String lane) throws SQLException {
        return sql.query(
                LaneStore::entry,
                ENTRY
                        + " WHERE d.lane = ?1 AND d.state = ?2 AND d.due_at ="
                        + " (SELECT MIN(due_at) FROM delivery WHERE lane = ?1 AND state = ?2)"
                        + " ORDER BY d.path DESC LIMIT 1",
                laneId(lane),
                FRESH);
    }

    /**
     * Deferred paths of a lane whose time has come, or lies further ahead than any delay: the clock
     * was set back.
     */
    public List<Entry> due(String lane, long now, long longestDelay, int limit)
            throws SQLException {
        return sql.query(
                LaneStore::entry,
                ENTRY
                        + " WHERE d.lane = ? AND d.state = ? AND (d.due_at <= ? OR d.due_at > ?)"
                        + " ORDER BY d.due_at, d.path LIMIT ?",
                laneId(lane),
                DEFERRED,
                now,
                now + longestDelay,
                limit);
    }

    /** The deferred paths of a lane that come next, whether they are due or not. */
    public List<Entry> deferred(String lane, int limit) throws SQLException {
        return entries("ORDER BY d.due_at, d.path LIMIT ?", lane, DEFERRED, limit);
    }

    /** When the first deferred path of a lane is due. */
    public Optional<Long> nextDue(String lane) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT due_at FROM delivery WHERE lane = ? AND state = ? ORDER BY due_at LIMIT 1",
                laneId(lane),
                DEFERRED);
    }

    /**
     * Makes deferred paths that were never blamed due now: something has shown that the destination
     * works.
     */
    public void hasten(String lane, long now) throws SQLException {
        if (sql.update(
                        "UPDATE delivery SET due_at = ? WHERE lane = ? AND state = ? AND attempts = 0 AND due_at > ?",
                        now,
                        laneId(lane),
                        DEFERRED,
                        now)
                > 0) {
            changed = true;
        }
    }

    /** Records what a lane found out. */
    public void record(String lane, List<Verdict> verdicts, long bytes, long now)
            throws SQLException {
        long laneId = laneId(lane);
        int delivered = 0;
        var latencies = new ArrayList<Long>();
        for (Verdict verdict : verdicts) {
            long id = verdict.entry().id();
            switch (verdict) {
                case Verdict.Delivered done -> {
                    if (sql.update("DELETE FROM delivery WHERE path = ? AND lane = ?", id, laneId)
                            > 0) {
                        delivered++;
                        queuedAt(id).ifPresent(at -> latencies.add(now - at));
                    }
                    if (lane.equals(SIGN)) {
                        sql.update(
                                "UPDATE delivery SET state = ?, changed_at = ? WHERE path = ? AND state = ?",
                                FRESH,
                                now,
                                id,
                                HELD);
                    }
                    settleIfDone(id, done.entry().path(), now);
                }
                case Verdict.Deferred later ->
                        sql.update(
                                "UPDATE delivery SET state = ?, due_at = ?, tries = ?, attempts = ?, reason = ?, changed_at = ?"
                                        + " WHERE path = ? AND lane = ?",
                                DEFERRED,
                                later.dueAt(),
                                later.tries(),
                                later.attempts(),
                                later.reason(),
                                now,
                                id,
                                laneId);
                case Verdict.Failed failed ->
                        sql.update(
                                "UPDATE delivery SET state = ?, attempts = ?, reason = ?, changed_at = ? WHERE path = ? AND lane = ?",
                                FAILED,
                                failed.attempts(),
                                failed.reason(),
                                now,
                                id,
                                laneId);
            }
        }
        if (delivered > 0) {
            sql.update(
                    "UPDATE lane SET delivered = delivered + ?, bytes = bytes + ?, last_delivery = ? WHERE id = ?",
                    delivered,
                    bytes,
                    now,
                    laneId);
            LaneTotals.observe(sql, laneId, Histogram.Kind.LATENCY, latencies);
        }
        changed = true;
    }

    private Optional<Long> queuedAt(long id) throws SQLException {
        return sql.first(row -> row.getLong(1), "SELECT queued_at FROM path WHERE id = ?", id);
    }

    /** Counts a child process of a lane that has ended. */
    public void ran(String lane, BatchResult run) throws SQLException {
        LaneTotals.count(sql, laneId(lane), run);
    }

    void settleIfDone(long id, StorePath path, long now) throws SQLException {
        if (!sql.exists("SELECT 1 FROM delivery WHERE path = ? LIMIT 1", id)) {
            sql.update("UPDATE path SET settled_at = ? WHERE id = ?", now, id);
            rootChanges.add(new GcRoots.Change(path, false));
        }
    }

    /** The breaker of a lane. */
    public Breaker breaker(String lane) throws SQLException {
        return sql.first(
                        row ->
                                new Breaker(
                                        row.getInt(1),
                                        row.getLong(2),
                                        row.getLong(3),
                                        row.getString(4)),
                        "SELECT breaker_failures, breaker_until, breaker_since, breaker_reason FROM lane WHERE id = ?",
                        laneId(lane))
                .orElse(Breaker.CLOSED);
    }

    /** Records the breaker of a lane. */
    public void breaker(String lane, Breaker breaker) throws SQLException {
        sql.update(
                "UPDATE lane SET breaker_failures = ?, breaker_until = ?, breaker_since = ?, breaker_reason = ?"
                        + " WHERE id = ?",
                breaker.failures(),
                breaker.until(),
                breaker.since(),
                breaker.reason(),
                laneId(lane));
        changed = true;
    }

    private List<Entry> entries(String order, String lane, int state, int limit)
            throws SQLException {
        return sql.query(
                LaneStore::entry,
                ENTRY + " WHERE d.lane = ? AND d.state = ? " + order,
                laneId(lane),
                state,
                limit);
    }

    private long laneId(String lane) {
        Long id = lanes.get(lane);
        if (id == null) {
            throw new IllegalArgumentException("not a lane in force: " + lane);
        }
        return id;
    }

    private static Entry entry(ResultSet row) throws SQLException {
        return new Entry(
                row.getLong(1),
                storePath(row.getString(2)),
                row.getInt(3),
                row.getInt(4),
                row.getBoolean(5));
    }

    /** What the transaction at hand changed outside the database; the lists start anew. */
    List<GcRoots.Change> takeRootChanges() {
        List<GcRoots.Change> taken = List.copyOf(rootChanges);
        rootChanges.clear();
        return taken;
    }

    /** Whether the transaction at hand changed what others wait for; starts anew. */
    boolean takeChanged() {
        boolean taken = changed;
        changed = false;
        return taken;
    }
}
