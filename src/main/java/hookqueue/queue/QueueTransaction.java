package hookqueue.queue;

import hookqueue.base.Filter;
import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All that can be asked of the queue and done to it, in SQL: the {@link ReportQueries} counts and
 * looks up, the {@link LaneStore} is the lanes', and here paths come in, are retried, and are
 * forgotten.
 *
 * <p>Used on the thread {@code queue} only, inside a transaction that {@link Queue} begins and
 * ends; no list that it returns is longer than the limit that was asked for. All times are
 * milliseconds since the epoch.
 */
public final class QueueTransaction extends LaneStore {
    private final Filter filter;
    private long nextId;

    /** Of the settings: grows with every change of the lanes. */
    private long generation;

    QueueTransaction(Connection connection, Filter filter) {
        super(connection);
        this.filter = filter;
    }

    /**
     * Makes the settings' lanes the ones in force. Rows of other lanes stay, and go on when their
     * lane comes back.
     *
     * @return whether that has settled paths, whose roots are still there
     */
    boolean configure(List<String> names, long now) throws SQLException {
        generation =
                sql.first(row -> row.getLong(1), "SELECT value FROM meta WHERE key = 'generation'")
                        .orElse(0L);
        nextId = 1 + sql.first(row -> row.getLong(1), "SELECT max(id) FROM path").orElse(0L);
        List<String> before =
                sql.query(row -> row.getString(1), "SELECT name FROM lane WHERE configured");
        boolean settledSome =
                !Set.copyOf(before).equals(Set.copyOf(names)) && reconfigure(before, names, now);
        for (String name : names) {
            lanes.put(
                    name,
                    sql.first(row -> row.getLong(1), "SELECT id FROM lane WHERE name = ?", name)
                            .orElseThrow());
        }
        return settledSome;
    }

    private boolean reconfigure(List<String> before, List<String> names, long now)
            throws SQLException {
        int settled = 0;
        generation++;
        setMeta("generation", generation);
        for (String name : before) {
            if (!names.contains(name)) {
                sql.update("UPDATE lane SET configured = 0 WHERE name = ?", name);
            }
        }
        for (String name : names) {
            sql.update(
                    "INSERT INTO lane (name, configured, generation) VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE"
                            + " SET generation = CASE WHEN configured THEN generation ELSE excluded.generation END,"
                            + " configured = 1",
                    name,
                    generation);
        }
        if (!names.contains(SIGN)) {
            sql.update("UPDATE delivery SET state = ? WHERE state = ?", FRESH, HELD);
            sql.update(
                    "DELETE FROM delivery WHERE lane IN (SELECT id FROM lane WHERE name = ?)",
                    SIGN);
            settled =
                    sql.update(
                            "UPDATE path SET settled_at = ? WHERE settled_at IS NULL AND id NOT IN (SELECT path FROM delivery)",
                            now);
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
        return settled > 0;
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
            if (filter.test(path)) {
                enqueue(path, tag, now);
                queued++;
            }
        }
        return new Receipt(queued, paths.size() - queued);
    }

    private void enqueue(StorePath path, @Nullable String tag, long now) throws SQLException {
        long id = nextId;
        if (sql.update(
                        "INSERT INTO path (id, name, queued_at, generation) VALUES (?, ?, ?, ?)"
                                + " ON CONFLICT (name) DO NOTHING",
                        id,
                        path.baseName(),
                        now,
                        generation)
                == 1) {
            nextId++;
            deliverEverywhere(id, now);
        } else {
            id = requeue(path, now);
        }
        rootChanges.add(new GcRoots.Change(path, true));
        if (tag != null) {
            sql.update("INSERT OR IGNORE INTO tag (tag, path) VALUES (?, ?)", tag, id);
        }
    }

    /** Queues a path that is known; returns its row. */
    private long requeue(StorePath path, long now) throws SQLException {
        record Known(long id, boolean settled, long generation) {}
        Known known =
                sql.first(
                                row ->
                                        new Known(
                                                row.getLong(1), row.getLong(2) > 0, row.getLong(3)),
                                "SELECT id, settled_at, generation FROM path WHERE name = ?",
                                path.baseName())
                        .orElseThrow();
        if (known.settled()) {
            sql.update(
                    "UPDATE path SET queued_at = ?, settled_at = NULL, generation = ? WHERE id = ?",
                    now,
                    generation,
                    known.id());
            deliverEverywhere(known.id(), now);
            return known.id();
        }
        if (known.generation() < generation) {
            deliverToNewLanes(known.id(), now);
        }
        if (revive("d.path = ? AND d.state = ?", now, known.id(), FAILED) > 0) {
            changed = true;
        }
        return known.id();
    }

    /**
     * What is still on its way when the settings name another destination goes there, too, when it
     * is queued again.
     */
    private void deliverToNewLanes(long id, long now) throws SQLException {
        if (sql.update(
                        "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) SELECT p.id, l.id,"
                                + " CASE WHEN EXISTS (SELECT 1 FROM delivery d JOIN lane s ON s.id = d.lane"
                                + " WHERE d.path = p.id AND s.name = ?) THEN ? ELSE ? END, ? FROM path p JOIN lane l"
                                + " WHERE p.id = ? AND l.configured AND l.name <> ? AND l.generation > p.generation",
                        SIGN,
                        HELD,
                        FRESH,
                        now,
                        id,
                        SIGN)
                > 0) {
            changed = true;
        }
        sql.update("UPDATE path SET generation = ? WHERE id = ?", generation, id);
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
                    "INSERT OR IGNORE INTO delivery (path, lane, state, due_at, changed_at)"
                            + " SELECT DISTINCT d.path, ?, ?, ?, ?"
                            + failed,
                    with(parameters, sign, FRESH, now, now, sign, FAILED));
            held =
                    sql.update(
                            "UPDATE delivery AS d SET state = ?, due_at = ?, tries = 0, attempts = 0, changed_at = ?"
                                    + " WHERE d.lane <> ? AND d.state = ? AND "
                                    + which,
                            with(parameters, HELD, now, now, sign, FAILED));
        }
        return held
                + sql.update(
                        "UPDATE delivery AS d SET state = ?, due_at = ?, tries = 0, attempts = 0, changed_at = ? WHERE "
                                + which,
                        with(parameters, FRESH, now, now));
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
    public List<DeliveryRow> expire(long failedBefore, int limit, long now) throws SQLException {
        List<DeliveryRow> expired =
                sql.query(
                        ReportQueries::row,
                        ROW + OF_ANY_LANE + "AND d.state = ? AND d.changed_at < ? LIMIT ?",
                        FAILED,
                        failedBefore,
                        limit);
        for (DeliveryRow row : expired) {
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
     * most}. Returns whether there may be more of them than {@code limit}.
     */
    boolean forget(long before, long most, int limit) throws SQLException {
        String old =
                "SELECT id FROM path WHERE settled_at IS NOT NULL AND (settled_at < ? OR settled_at <"
                        + " coalesce((SELECT settled_at FROM path WHERE settled_at IS NOT NULL ORDER BY settled_at DESC"
                        + " LIMIT 1 OFFSET ?), 0)) ORDER BY settled_at LIMIT ?";
        sql.update("DELETE FROM tag WHERE path IN (" + old + ")", before, most, limit);
        return sql.update("DELETE FROM path WHERE id IN (" + old + ")", before, most, limit)
                == limit;
    }

    /**
     * No new batch is to start.
     *
     * @param until when that ends by itself, 0 when only {@link #resume} ends it
     */
    public void pause(long now, long until) throws SQLException {
        setMeta("paused", now);
        setMeta("paused_until", until);
        changed = true;
    }

    /** New batches may start again. */
    public void resume() throws SQLException {
        setMeta("paused", 0);
        changed = true;
    }

    private void setMeta(String key, long value) throws SQLException {
        sql.update("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
    }

    /** What was queued last has come back without the tags that it may have had. */
    void tagsAreLost() throws SQLException {
        setMeta(UNTAGGED, nextId - 1);
    }

    void closedCleanly() throws SQLException {
        sql.update("UPDATE meta SET value = '1' WHERE key = 'clean'");
    }

    /** The transaction at hand is rolled back: nothing of it has happened. */
    void forgetTransaction() {
        takeRootChanges();
        takeChanged();
        sql.prepareAgain();
    }

    void close() throws SQLException {
        sql.close();
    }
}
