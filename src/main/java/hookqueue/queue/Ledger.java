package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.Row.State;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What can be asked of the queue and done to it, in SQL. Used on the thread {@code queue} only,
 * inside a transaction that {@link Queue} begins and ends; no list that it returns is longer than
 * the limit that was asked for. All times are milliseconds since the epoch.
 */
public final class Ledger {
    /** The lane that signs; the others are held until it has. */
    public static final String SIGN = "sign";

    private static final int HELD = State.HELD.stored();
    private static final int FRESH = State.FRESH.stored();
    private static final int DEFERRED = State.DEFERRED.stored();
    private static final int FAILED = State.FAILED.stored();
    private static final String ENTRY =
            "SELECT p.id, p.name, d.tries, d.attempts, d.changed_at < l.last_delivery"
                    + " FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane";
    private static final String ROW =
            "SELECT p.id, p.name, l.name, l.configured, d.state, p.queued_at, d.due_at,"
                    + " d.tries, d.attempts, d.reason FROM delivery d JOIN path p ON p.id = d.path JOIN lane l ON l.id = d.lane ";

    /** Lets a search by state use the index, which begins with the lane. */
    private static final String OF_ANY_LANE = "WHERE d.lane IN (SELECT id FROM lane) ";

    private final Sql sql;
    private final Selection selection;
    private final Map<String, Long> lanes = new HashMap<>();
    private final List<RootChange> rootChanges = new ArrayList<>();
    private boolean changed;
    private long nextId;

    Ledger(Connection connection, Selection selection) {
        this.sql = new Sql(connection);
        this.selection = selection;
    }

    /** A root to be made or removed once the transaction is committed. */
    record RootChange(StorePath path, boolean add) {}

    /**
     * Makes the settings' lanes the ones in force. Rows of other lanes stay, and go on when their
     * lane comes back.
     */
    void configure(List<String> names, long now) throws SQLException {
        nextId = 1 + sql.first(row -> row.getLong(1), "SELECT max(id) FROM path").orElse(0L);
        List<String> before =
                sql.query(row -> row.getString(1), "SELECT name FROM lane WHERE configured");
        if (!Set.copyOf(before).equals(Set.copyOf(names))) {
            reconfigure(names, now);
        }
        for (String name : names) {
            lanes.put(
                    name,
                    sql.first(row -> row.getLong(1), "SELECT id FROM lane WHERE name = ?", name)
                            .orElseThrow());
        }
    }

    private void reconfigure(List<String> names, long now) throws SQLException {
        sql.update("UPDATE lane SET configured = 0");
        for (String name : names) {
            sql.update(
                    "INSERT INTO lane (name, configured) VALUES (?, 1)"
                            + " ON CONFLICT (name) DO UPDATE SET configured = 1",
                    name);
        }
        if (!names.contains(SIGN)) {
            sql.update("UPDATE delivery SET state = ? WHERE state = ?", FRESH, HELD);
            sql.update(
                    "DELETE FROM delivery WHERE lane IN (SELECT id FROM lane WHERE name = ?)",
                    SIGN);
            settleThoseWithoutDelivery(now);
        } else {
            long sign =
                    sql.first(row -> row.getLong(1), "SELECT id FROM lane WHERE name = ?", SIGN)
                            .orElseThrow();
            sql.update(
                    "INSERT INTO delivery (path, lane, state, changed_at) SELECT DISTINCT path, ?, ?, ? FROM delivery"
                            + " WHERE state IN (?, ?) AND path NOT IN (SELECT path FROM delivery WHERE lane = ?)",
                    sign,
                    FRESH,
                    now,
                    FRESH,
                    DEFERRED,
                    sign);
            sql.update(
                    "UPDATE delivery SET state = ?, due_at = 0 WHERE state IN (?, ?) AND lane <> ?"
                            + " AND path IN (SELECT path FROM delivery WHERE lane = ?)",
                    HELD,
                    FRESH,
                    DEFERRED,
                    sign,
                    sign);
        }
        changed = true;
    }

    /**
     * Queues paths for every lane in force. A path that is already queued stays where it is; one
     * that has failed becomes due again; one that the settings exclude is not taken.
     *
     * @param tag a name to wait for them by, or null
     */
    public Receipt enqueue(List<StorePath> paths, @Nullable String tag, long now)
            throws SQLException {
        int queued = 0;
        for (StorePath path : paths) {
            if (selection.test(path)) {
                enqueue(path, tag, now);
                queued++;
            }
        }
        return new Receipt(queued, paths.size() - queued);
    }

    private void enqueue(StorePath path, @Nullable String tag, long now) throws SQLException {
        long id = nextId;
        if (sql.update(
                        "INSERT INTO path (id, name, queued_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                        id,
                        path.baseName(),
                        now)
                == 1) {
            nextId++;
            deliverEverywhere(id, now);
        } else {
            id = requeue(path, now);
        }
        rootChanges.add(new RootChange(path, true));
        if (tag != null) {
            sql.update("INSERT OR IGNORE INTO tag (tag, path) VALUES (?, ?)", tag, id);
        }
    }

    /** Queues a path that is known; returns its row. */
    private long requeue(StorePath path, long now) throws SQLException {
        record Known(long id, boolean settled) {}
        Known known =
                sql.first(
                                row -> new Known(row.getLong(1), row.getLong(2) > 0),
                                "SELECT id, settled_at FROM path WHERE name = ?",
                                path.baseName())
                        .orElseThrow();
        if (known.settled()) {
            sql.update(
                    "UPDATE path SET queued_at = ?, settled_at = NULL WHERE id = ?",
                    now,
                    known.id());
            deliverEverywhere(known.id(), now);
        } else if (revive("d.path = ? AND d.state = ?", now, known.id(), FAILED) > 0) {
            changed = true;
        }
        return known.id();
    }

    /**
     * Makes deliveries due now. One that has failed waits for a new signature first: the path may
     * have been built again since, or the key be new.
     */
    private int revive(String which, long now, Object... parameters) throws SQLException {
        Long sign = lanes.get(SIGN);
        int held = 0;
        if (sign != null) {
            String failed = " FROM delivery d WHERE d.lane <> ? AND d.state = ? AND " + which;
            sql.update(
                    "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) SELECT DISTINCT d.path, ?, ?, ?"
                            + failed,
                    with(parameters, sign, FRESH, now, sign, FAILED));
            held =
                    sql.update(
                            "UPDATE delivery AS d SET state = ?, due_at = 0, tries = 0, attempts = 0, changed_at = ?"
                                    + " WHERE d.lane <> ? AND d.state = ? AND "
                                    + which,
                            with(parameters, HELD, now, sign, FAILED));
        }
        return held
                + sql.update(
                        "UPDATE delivery AS d SET state = ?, due_at = 0, tries = 0, attempts = 0, changed_at = ? WHERE "
                                + which,
                        with(parameters, FRESH, now));
    }

    private static Object[] with(Object[] last, Object... first) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(last)).toArray();
    }

    private void deliverEverywhere(long id, long now) throws SQLException {
        sql.update(
                "INSERT INTO delivery (path, lane, state, changed_at)"
                        + " SELECT ?, id, CASE WHEN ? AND name <> ? THEN ? ELSE ? END, ? FROM lane WHERE configured",
                id,
                lanes.containsKey(SIGN),
                SIGN,
                HELD,
                FRESH,
                now);
        changed = true;
    }

    /** Paths of a lane that are due and have never failed on their own, the oldest first. */
    public List<Entry> fresh(String lane, int limit) throws SQLException {
        return entries("ORDER BY d.due_at, d.path LIMIT ?", lane, FRESH, limit);
    }

    /**
     * The youngest path of a lane that has never failed on its own: what a trial of a destination
     * takes.
     */
    public List<Entry> youngest(String lane) throws SQLException {
        return entries("ORDER BY d.due_at DESC, d.path DESC LIMIT ?", lane, FRESH, 1);
    }

    /**
     * Deferred paths of a lane whose time has come, or lies further ahead than any delay: the clock
     * was set back.
     */
    public List<Entry> due(String lane, long now, long longestDelay, int limit)
            throws SQLException {
        return sql.query(
                Ledger::entry,
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
        for (Verdict verdict : verdicts) {
            long id = verdict.entry().id();
            switch (verdict) {
                case Verdict.Delivered done -> {
                    delivered +=
                            sql.update(
                                    "DELETE FROM delivery WHERE path = ? AND lane = ?", id, laneId);
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
        }
        changed = true;
    }

    private void settleIfDone(long id, StorePath path, long now) throws SQLException {
        if (!sql.exists("SELECT 1 FROM delivery WHERE path = ? LIMIT 1", id)) {
            sql.update("UPDATE path SET settled_at = ? WHERE id = ?", now, id);
            rootChanges.add(new RootChange(path, false));
        }
    }

    private void settleThoseWithoutDelivery(long now) throws SQLException {
        String orphans = " path WHERE settled_at IS NULL AND id NOT IN (SELECT path FROM delivery)";
        for (StorePath path :
                sql.query(row -> new StorePath(row.getString(1)), "SELECT name FROM" + orphans)) {
            rootChanges.add(new RootChange(path, false));
        }
        sql.update(
                "UPDATE path SET settled_at = ? WHERE id IN (SELECT id FROM" + orphans + ")", now);
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

    /** Every lane, those in force first, {@code sign} before the others. */
    public List<LaneCounts> lanes() throws SQLException {
        return sql.query(
                row ->
                        new LaneCounts(
                                row.getString(1),
                                row.getBoolean(2),
                                row.getLong(3),
                                row.getLong(4),
                                row.getLong(5),
                                row.getLong(6),
                                row.getLong(7),
                                row.getLong(8),
                                row.getLong(9),
                                new Breaker(
                                        row.getInt(10),
                                        row.getLong(11),
                                        row.getLong(12),
                                        row.getString(13))),
                "SELECT name, configured, held, fresh, deferred, failed, delivered, bytes, last_delivery,"
                        + " breaker_failures, breaker_until, breaker_since, breaker_reason FROM lane"
                        + " WHERE configured OR held + fresh + deferred + failed > 0"
                        + " ORDER BY configured DESC, name <> 'sign', id");
    }

    /** When the oldest path that is not settled was queued. */
    public Optional<Long> oldest() throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT queued_at FROM path WHERE id = (SELECT min(path) FROM delivery WHERE state <> ?)",
                FAILED);
    }

    /**
     * Unsettled paths in every lane, in the order of arrival, after the path {@code after}; whole
     * paths only.
     */
    public List<Row> list(long after, int paths) throws SQLException {
        return sql.query(
                Ledger::row,
                ROW
                        + "WHERE d.path IN (SELECT DISTINCT path FROM delivery WHERE path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane",
                after,
                paths);
    }

    /** Failed paths, as {@link #list}. */
    public List<Row> failed(long after, int paths) throws SQLException {
        return sql.query(
                Ledger::row,
                ROW
                        + OF_ANY_LANE
                        + "AND d.state = ? AND d.path IN (SELECT DISTINCT path FROM delivery"
                        + " WHERE lane IN (SELECT id FROM lane) AND state = ? AND path > ? ORDER BY path LIMIT ?)"
                        + " ORDER BY d.path, d.lane",
                FAILED,
                FAILED,
                after,
                paths);
    }

    /** Where one path stands, a row a lane; empty when it has nothing left to do. */
    public List<Row> standing(StorePath path) throws SQLException {
        return sql.query(Ledger::row, ROW + "WHERE p.name = ? ORDER BY d.lane", path.baseName());
    }

    /** When a path was settled, if it is still remembered. */
    public Optional<Long> settledAt(StorePath path) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT settled_at FROM path WHERE name = ? AND settled_at IS NOT NULL",
                path.baseName());
    }

    /** Whether a path is queued, or has been settled and is remembered. */
    public boolean known(StorePath path) throws SQLException {
        return sql.exists("SELECT 1 FROM path WHERE name = ?", path.baseName());
    }

    /** How many paths in force are not settled: of a tag, or all when null. */
    public long outstanding(@Nullable String tag) throws SQLException {
        if (tag == null) {
            return sql.first(
                            row -> row.getLong(1),
                            "SELECT sum(fresh + deferred) FROM lane WHERE configured")
                    .orElse(0L);
        }
        return sql.first(
                        row -> row.getLong(1),
                        "SELECT count(DISTINCT t.path) FROM tag t JOIN delivery d ON d.path = t.path"
                                + " JOIN lane l ON l.id = d.lane WHERE t.tag = ? AND l.configured AND d.state IN (?, ?)",
                        tag,
                        FRESH,
                        DEFERRED)
                .orElse(0L);
    }

    /** Whether anything was ever queued under a tag, as far as it is remembered. */
    public boolean knownTag(String tag) throws SQLException {
        return sql.exists("SELECT 1 FROM tag WHERE tag = ? LIMIT 1", tag);
    }

    /** The failed paths of a tag, or all when null; at most {@code limit}. */
    public List<Row> failedOf(@Nullable String tag, int limit) throws SQLException {
        if (tag == null) {
            return sql.query(
                    Ledger::row,
                    ROW + OF_ANY_LANE + "AND d.state = ? AND l.configured ORDER BY d.path LIMIT ?",
                    FAILED,
                    limit);
        }
        return sql.query(
                Ledger::row,
                ROW
                        + "JOIN tag t ON t.path = d.path WHERE t.tag = ? AND d.state = ? AND l.configured"
                        + " ORDER BY d.path LIMIT ?",
                tag,
                FAILED,
                limit);
    }

    /**
     * Failed and deferred paths become due now, all of them, and every breaker is closed. Returns
     * how many.
     */
    public int retryAll(long now) throws SQLException {
        sql.update("UPDATE lane SET breaker_failures = 0, breaker_until = 0, breaker_since = 0");
        changed = true;
        return revive("d.state IN (?, ?)", now, DEFERRED, FAILED);
    }

    /** The same for one path; false when it is not queued. The breakers of its lanes are closed. */
    public boolean retry(StorePath path, long now) throws SQLException {
        Optional<Long> id = unsettled(path);
        if (id.isEmpty()) {
            return false;
        }
        sql.update(
                "UPDATE lane SET breaker_failures = 0, breaker_until = 0, breaker_since = 0"
                        + " WHERE id IN (SELECT lane FROM delivery WHERE path = ?)",
                id.get());
        revive("d.path = ? AND d.state IN (?, ?)", now, id.get(), DEFERRED, FAILED);
        changed = true;
        return true;
    }

    /** Forgets a path in every lane, also in those not in force; false when it is not queued. */
    public boolean drop(StorePath path, long now) throws SQLException {
        Optional<Long> id = unsettled(path);
        if (id.isEmpty()) {
            return false;
        }
        sql.update("DELETE FROM delivery WHERE path = ?", id.get());
        settleIfDone(id.get(), path, now);
        changed = true;
        return true;
    }

    /**
     * Drops failed rows older than {@code failedBefore} and returns them, at most {@code limit}.
     */
    public List<Row> expire(long failedBefore, int limit, long now) throws SQLException {
        List<Row> expired =
                sql.query(
                        Ledger::row,
                        ROW + OF_ANY_LANE + "AND d.state = ? AND d.changed_at < ? LIMIT ?",
                        FAILED,
                        failedBefore,
                        limit);
        for (Row row : expired) {
            sql.update(
                    "DELETE FROM delivery WHERE path = ? AND lane = (SELECT id FROM lane WHERE name = ?)",
                    row.id(),
                    row.lane());
            if (row.lane().equals(SIGN)) { // the others would wait for it for ever
                sql.update("DELETE FROM delivery WHERE path = ? AND state = ?", row.id(), HELD);
            }
            settleIfDone(row.id(), row.path(), now);
            changed = true;
        }
        return expired;
    }

    /**
     * Forgets settled paths: those settled before {@code before}, and the oldest beyond {@code
     * most}.
     */
    void forget(long before, long most, int limit) throws SQLException {
        String old =
                "SELECT id FROM path WHERE settled_at IS NOT NULL AND (settled_at < ? OR settled_at <"
                        + " coalesce((SELECT settled_at FROM path WHERE settled_at IS NOT NULL ORDER BY settled_at DESC"
                        + " LIMIT 1 OFFSET ?), 0)) ORDER BY settled_at LIMIT ?";
        sql.update("DELETE FROM tag WHERE path IN (" + old + ")", before, most, limit);
        sql.update("DELETE FROM path WHERE id IN (" + old + ")", before, most, limit);
    }

    /** Whether no new batch is to start. */
    public boolean paused() throws SQLException {
        return sql.exists("SELECT 1 FROM meta WHERE key = 'paused' AND value <> '0'");
    }

    /** Since when no new batch is to start. */
    public Optional<Long> pausedSince() throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT value FROM meta WHERE key = 'paused' AND value <> '0'");
    }

    /** Sets or clears the pause. */
    public void pause(boolean paused, long now) throws SQLException {
        sql.update(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('paused', ?)", paused ? now : 0L);
        changed = true;
    }

    void closedCleanly() throws SQLException {
        sql.update("UPDATE meta SET value = '1' WHERE key = 'clean'");
    }

    /** Unsettled paths after a row, for checking the roots against them. */
    List<Entry> unsettledAfter(long id, int limit) throws SQLException {
        return sql.query(
                row -> new Entry(row.getLong(1), new StorePath(row.getString(2)), 0, 0),
                "SELECT id, name FROM path WHERE id > ? AND settled_at IS NULL ORDER BY id LIMIT ?",
                id,
                limit);
    }

    boolean isUnsettled(StorePath path) throws SQLException {
        return unsettled(path).isPresent();
    }

    private Optional<Long> unsettled(StorePath path) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT id FROM path WHERE name = ? AND settled_at IS NULL",
                path.baseName());
    }

    /** What the transaction at hand changed outside the database; the lists start anew. */
    List<RootChange> takeRootChanges() {
        List<RootChange> taken = List.copyOf(rootChanges);
        rootChanges.clear();
        return taken;
    }

    /** Whether the transaction at hand changed what others wait for; starts anew. */
    boolean takeChanged() {
        boolean taken = changed;
        changed = false;
        return taken;
    }

    void close() throws SQLException {
        sql.close();
    }

    private List<Entry> entries(String order, String lane, int state, int limit)
            throws SQLException {
        return sql.query(
                Ledger::entry,
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
                new StorePath(row.getString(2)),
                row.getInt(3),
                row.getInt(4),
                row.getBoolean(5));
    }

    private static Row row(ResultSet row) throws SQLException {
        return new Row(
                row.getLong(1),
                new StorePath(row.getString(2)),
                row.getString(3),
                row.getBoolean(4),
                State.of(row.getInt(5)),
                row.getLong(6),
                row.getLong(7),
                row.getInt(8),
                row.getInt(9),
                row.getString(10));
    }
}
