package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Queues paths, and forgets them a time after {@link RemovalStore} has settled them. A new path,
 * and one that is queued again, gets its root.
 */
public final class PathStore {
    /** The key of the last row number; a row number is never reused. */
    private static final String LAST_ID = "last_id";

    private final Sql sql;
    private final Meta meta;
    private final RetryStore retries;
    private final Effects.Collector effects;
    private long nextId;

    /** The generation of the settings, which grows with every change of the lanes. */
    private long generation;

    /** The lane that signs, or null. */
    private @Nullable Long sign;

    PathStore(Sql sql, Meta meta, RetryStore retries, Effects.Collector effects) {
        this.sql = sql;
        this.meta = meta;
        this.retries = retries;
        this.effects = effects;
    }

    void begin(long generation, @Nullable Long sign) throws SQLException {
        this.generation = generation;
        this.sign = sign;
        long last = sql.first(row -> row.getLong(1), "SELECT max(id) FROM path").orElse(0L);
        nextId = 1 + Math.max(last, Math.max(meta.get(LAST_ID), meta.get(Meta.UNTAGGED)));
    }

    /**
     * Queues paths for every configured lane. A path that is already queued keeps its place. A
     * failed path becomes due again.
     *
     * @param tag a name to wait for them by, or null
     */
    public void enqueue(List<StorePath> paths, @Nullable String tag, long now) throws SQLException {
        for (StorePath path : paths) {
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
                id = enqueueKnown(path, now);
            }
            effects.root(path);
            if (tag != null) {
                sql.update("INSERT OR IGNORE INTO tag (tag, path) VALUES (?, ?)", tag, id);
            }
        }
    }

    /** Returns the path's row. */
    private long enqueueKnown(StorePath path, long now) throws SQLException {
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
        if (retries.revive(
                        RetryStore.CONFIGURED + " AND d.path = ? AND d.state = ?",
                        now,
                        known.id(),
                        State.FAILED)
                > 0) {
            effects.changed();
        }
        return known.id();
    }

    /**
     * Queues a path again for one configured lane, because that destination has lost it. It is
     * signed first if there is a key. In other lanes it stays unchanged.
     *
     * @throws IllegalArgumentException if the settings have no such destination
     */
    public void requeue(StorePath path, String lane, long now) throws SQLException {
        long to =
                sql.first(
                                row -> row.getLong(1),
                                "SELECT id FROM lane WHERE name = ? AND configured AND name <> ?",
                                lane,
                                LaneStore.SIGN)
                        .orElseThrow(() ->
                                new IllegalArgumentException(
                                        "not a destination of the settings: " + lane));
        sql.update(
                "INSERT INTO path (id, name, queued_at, generation) VALUES (?1, ?2, ?3, ?4)"
                        + " ON CONFLICT (name) DO UPDATE SET settled_at = NULL,"
                        + " queued_at = CASE WHEN settled_at IS NULL THEN queued_at ELSE ?3 END",
                nextId,
                path.baseName(),
                now,
                generation);
        long id = unsettled(sql, path).orElseThrow();
        nextId = Math.max(nextId, id + 1);
        if (retries.revive("d.path = ? AND d.lane = ? AND d.state = ?", now, id, to, State.FAILED)
                == 0) {
            deliverAgain(id, to, now);
        }
        effects.root(path);
        effects.changed();
    }

    private void deliverAgain(long id, long lane, long now) throws SQLException {
        int added =
                sql.update(
                        "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) VALUES (?, ?, ?, ?)",
                        id,
                        lane,
                        sign == null ? State.FRESH : State.HELD,
                        now);
        if (sign != null && added > 0) {
            sql.update(
                    "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) VALUES (?, ?, ?, ?)",
                    id,
                    sign,
                    State.FRESH,
                    now);
        }
    }

    private void deliverEverywhere(long id, long now) throws SQLException {
        sql.update(
                "INSERT INTO delivery (path, lane, state, changed_at)"
                        + " SELECT ?, id, CASE WHEN ? AND name <> ? THEN ? ELSE ? END, ? FROM lane WHERE configured",
                id,
                sign != null,
                LaneStore.SIGN,
                State.HELD,
                State.FRESH,
                now);
        effects.changed();
    }

    /**
     * Delivers a path also to the destinations that were added to the settings after it was queued.
     */
    private void deliverToNewLanes(long id, long now) throws SQLException {
        if (sql.update(
                        "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) SELECT p.id, l.id,"
                                + " CASE WHEN EXISTS (SELECT 1 FROM delivery d JOIN lane s ON s.id = d.lane"
                                + " WHERE d.path = p.id AND s.name = ?) THEN ? ELSE ? END, ? FROM path p JOIN lane l"
                                + " WHERE p.id = ? AND l.configured AND l.name <> ? AND l.generation > p.generation",
                        LaneStore.SIGN,
                        State.HELD,
                        State.FRESH,
                        now,
                        id,
                        LaneStore.SIGN)
                > 0) {
            effects.changed();
        }
        sql.update("UPDATE path SET generation = ? WHERE id = ?", generation, id);
    }

    /**
     * Moves paths of a removed destination to the destinations that came into the settings after
     * the paths were queued, unless these had the path before the removal. The paths may have
     * failed before, so they are signed first, and start anew. Without such a destination a path
     * stays, until its own comes back or an operator drops it.
     *
     * @return how many paths, at most {@code limit}
     */
    int moveStranded(int limit, long now) throws SQLException {
        List<Long> stranded =
                sql.query(
                        row -> row.getLong(1),
                        "SELECT DISTINCT d.path FROM lane l JOIN delivery d ON d.lane = l.id JOIN path p ON p.id = d.path"
                                + " WHERE NOT l.configured AND EXISTS (SELECT 1 FROM lane n"
                                + " WHERE n.configured AND n.name <> ? AND n.generation > p.generation"
                                + " AND (n.generation >= l.generation OR NOT EXISTS"
                                + " (SELECT 1 FROM delivered WHERE lane = n.id AND path = p.id))) LIMIT ?",
                        LaneStore.SIGN,
                        limit);
        for (long id : stranded) {
            if (sign != null) {
                sql.update(
                        "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) VALUES (?, ?, ?, ?)",
                        id,
                        sign,
                        State.FRESH,
                        now);
            }
            deliverToNewLanes(id, now);
            sql.update(
                    "DELETE FROM delivery WHERE path = ? AND lane IN (SELECT id FROM lane WHERE NOT configured)",
                    id);
        }
        return stranded.size();
    }

    /**
     * Forgets settled paths: those settled before {@code before}, and the oldest ones beyond {@code
     * most}. Returns whether there may be more than {@code limit} of them.
     */
    boolean forget(long before, long most, int limit) throws SQLException {
        String old =
                "SELECT id FROM path WHERE settled_at IS NOT NULL AND (settled_at < ? OR settled_at <"
                        + " coalesce((SELECT settled_at FROM path WHERE settled_at IS NOT NULL ORDER BY settled_at DESC"
                        + " LIMIT 1 OFFSET ?), 0)) ORDER BY settled_at LIMIT ?";
        sql.update("DELETE FROM tag WHERE path IN (" + old + ")", before, most, limit);
        sql.update("DELETE FROM delivered WHERE path IN (" + old + ")", before, most, limit);
        int forgotten =
                sql.update("DELETE FROM path WHERE id IN (" + old + ")", before, most, limit);
        if (forgotten > 0) {
            meta.put(LAST_ID, nextId - 1);
        }
        return forgotten == limit;
    }

    /** Queues a path that was found by its root alone: its tag is unknown. */
    void enqueueUntagged(StorePath path, long now) throws SQLException {
        enqueue(List.of(path), null, now);
        meta.put(Meta.UNTAGGED, nextId - 1);
    }

    /**
     * Removes the root of a path that is not queued. The hook does not know the filters and makes a
     * root for every path.
     */
    public void unrootUnlessQueued(StorePath path) throws SQLException {
        if (unsettled(sql, path).isEmpty()) {
            effects.unroot(path);
        }
    }

    static Optional<Long> unsettled(Sql sql, StorePath path) throws SQLException {
        return sql.first(
                row -> row.getLong(1),
                "SELECT id FROM path WHERE name = ? AND settled_at IS NULL",
                path.baseName());
    }
}
