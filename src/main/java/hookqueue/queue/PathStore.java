package hookqueue.queue;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Queues paths, and forgets them a time after {@link RemovalStore} has settled them. A new path,
 * and one that is queued again, gets its root.
 */
public final class PathStore {
    private static final int PAGE = 1_000;

    /** The key of the last row number; a row number is never reused. */
    private static final String LAST_ID = "last_id";

    /** A condition on lane l: its name is not among the {@link #words} of the parameter. */
    private static final String EXCEPT = " AND instr(?, ' ' || l.name || ' ') = 0";

    private static final String NEW = " AND l.generation > p.generation";
    private static final String NEW_OR_NEVER_DELIVERED =
            " AND (l.generation > p.generation OR NOT EXISTS"
                    + " (SELECT 1 FROM delivered r WHERE r.lane = l.id AND r.path = p.id))";

    private final Sql sql;
    private final Meta meta;
    private final Effects.Collector effects;
    private long nextId;

    /** The generation of the settings, which grows with every change of the lanes. */
    private long generation;

    /** The lane that signs, or null. */
    private @Nullable Long sign;

    PathStore(Sql sql, Meta meta, Effects.Collector effects) {
        this.sql = sql;
        this.meta = meta;
        this.effects = effects;
    }

    void begin(long generation, @Nullable Long sign) throws SQLException {
        this.generation = generation;
        this.sign = sign;
        long last = sql.number("SELECT max(id) FROM path").orElse(0L);
        nextId = 1 + Math.max(last, Math.max(meta.get(LAST_ID), meta.get(Meta.UNTAGGED)));
    }

    /**
     * Queues paths for every configured lane that does not exclude them. A path that is already
     * queued keeps its place. A failed path becomes due again. Clients can wait for the tag.
     */
    public void enqueue(Filters.Selection paths, @Nullable String tag, long now)
            throws SQLException {
        for (StorePath path : paths.taken()) {
            String except = words(paths.except().getOrDefault(path, Set.of()));
            long id = nextId;
            String insert =
                    "INSERT INTO path (id, name, queued_at, generation) VALUES (?, ?, ?, ?)"
                            + " ON CONFLICT (name) DO NOTHING";
            if (sql.update(insert, id, path.baseName(), now, generation) == 1) {
                nextId++;
                deliverEverywhere(id, except, now);
            } else {
                id = enqueueKnown(path, except, now);
            }
            effects.root(path);
            if (tag != null) {
                sql.update("INSERT OR IGNORE INTO tag (tag, path) VALUES (?, ?)", tag, id);
            }
        }
    }

    RetryStore retries() {
        return new RetryStore(sql, effects, sign);
    }

    /** Names as one parameter for {@link #EXCEPT}: no name has a space in it. */
    private static String words(Set<String> names) {
        return names.isEmpty() ? "" : " " + String.join("  ", names) + " ";
    }

    /** Returns the path's row. */
    private long enqueueKnown(StorePath path, String except, long now) throws SQLException {
        record Known(long id, boolean settled) {}
        Known known =
                sql.first(
                                row -> new Known(row.getLong(1), row.getLong(2) > 0),
                                "SELECT id, settled_at FROM path WHERE name = ?",
                                path.baseName())
                        .orElseThrow();
        if (known.settled()) {
            String queueAgain =
                    "UPDATE path SET queued_at = ?, settled_at = NULL, generation = ? WHERE id = ?";
            sql.update(queueAgain, now, generation, known.id());
            deliverEverywhere(known.id(), except, now);
            return known.id();
        }
        deliverToMore(known.id(), NEW_OR_NEVER_DELIVERED, except, now);
        String failed = RetryStore.CONFIGURED + " AND d.path = ? AND d.state = ?";
        if (retries().revive(failed, now, known.id(), State.FAILED) > 0) {
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
        String destination = "SELECT id FROM lane WHERE name = ? AND configured AND name <> ?";
        long to =
                sql.number(destination, lane, LaneStore.SIGN)
                        .orElseThrow(() ->
                                new IllegalArgumentException(
                                        "not a destination of the settings: " + lane));
        String insert =
                "INSERT INTO path (id, name, queued_at, generation) VALUES (?1, ?2, ?3, ?4)"
                        + " ON CONFLICT (name) DO UPDATE SET settled_at = NULL,"
                        + " queued_at = CASE WHEN settled_at IS NULL THEN queued_at ELSE ?3 END";
        sql.update(insert, nextId, path.baseName(), now, generation);
        long id = unsettled(sql, path).orElseThrow();
        nextId = Math.max(nextId, id + 1);
        String failed = "d.path = ? AND d.lane = ? AND d.state = ?";
        if (retries().revive(failed, now, id, to, State.FAILED) == 0) {
            boolean added = addDelivery(id, to, sign == null ? State.FRESH : State.HELD, now);
            if (sign != null && added) {
                addDelivery(id, sign, State.FRESH, now);
            }
        }
        effects.root(path);
        effects.changed();
    }

    /** False if the path is queued for this lane already. */
    private boolean addDelivery(long path, long lane, State state, long now) throws SQLException {
        String insert =
                "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) VALUES (?, ?, ?, ?)";
        return sql.update(insert, path, lane, state, now) > 0;
    }

    private void deliverEverywhere(long id, String except, long now) throws SQLException {
        String insert =
                "INSERT INTO delivery (path, lane, state, changed_at)"
                        + " SELECT ?, id, CASE WHEN name = ? THEN ? ELSE ? END, ? FROM lane l WHERE configured"
                        + EXCEPT;
        State state = sign == null ? State.FRESH : State.HELD;
        sql.update(insert, id, LaneStore.SIGN, State.FRESH, state, now, except);
        effects.changed();
    }

    /**
     * Delivers a path also to the configured destinations of a condition. A path that is queued
     * again goes to each destination that has not had it: the destination may be new, or its filter
     * may have excluded the path before.
     */
    private void deliverToMore(long id, String condition, String except, long now)
            throws SQLException {
        String insert =
                "INSERT OR IGNORE INTO delivery (path, lane, state, changed_at) SELECT p.id, l.id,"
                        + " CASE WHEN EXISTS (SELECT 1 FROM delivery d JOIN lane s ON s.id = d.lane"
                        + " WHERE d.path = p.id AND s.name = ?) THEN ? ELSE ? END, ? FROM path p JOIN lane l"
                        + " WHERE p.id = ? AND l.configured AND l.name <> ?"
                        + condition
                        + EXCEPT;
        String signing = LaneStore.SIGN;
        if (sql.update(insert, signing, State.HELD, State.FRESH, now, id, signing, except) > 0) {
            effects.changed();
        }
        String renew = "UPDATE path SET generation = ?1 WHERE id = ?2 AND generation < ?1";
        sql.update(renew, generation, id);
    }

    /**
     * Moves paths of a removed destination to the destinations that came into the settings after
     * the paths were queued, unless these had the path before the removal. The paths may have
     * failed before, so they are signed first, and start anew. Without such a destination, or if
     * its filter excludes the path, a path stays, until its own comes back or an operator drops it.
     * Returns how many moved.
     */
    long moveStranded(Filters filters, long now, Consumer<String> progress) throws SQLException {
        long moved = 0;
        for (var page = stranded(); !page.isEmpty(); page = stranded()) {
            for (Queued each : page) {
                if (move(each.id(), words(filters.excluding(each.path())), now)) {
                    moved++;
                }
            }
            progress.accept("moved " + moved + " paths of removed destinations to new ones");
        }
        return moved;
    }

    private List<Queued> stranded() throws SQLException {
        return sql.query(
                Queued::of,
                "SELECT DISTINCT p.id, p.name FROM lane l JOIN delivery d ON d.lane = l.id JOIN path p ON p.id = d.path"
                        + " WHERE NOT l.configured AND EXISTS (SELECT 1 FROM lane n"
                        + " WHERE n.configured AND n.name <> ? AND n.generation > p.generation"
                        + " AND (n.generation >= l.generation OR NOT EXISTS"
                        + " (SELECT 1 FROM delivered WHERE lane = n.id AND path = p.id))) LIMIT ?",
                LaneStore.SIGN,
                PAGE);
    }

    /** Returns whether a new destination takes the path. */
    private boolean move(long id, String except, long now) throws SQLException {
        boolean moves = except.isEmpty() || hasNewLane(id, except);
        if (moves && sign != null) {
            addDelivery(id, sign, State.FRESH, now);
        }
        deliverToMore(id, NEW, except, now); // if to none: not looked at again
        if (moves) {
            sql.update(
                    "DELETE FROM delivery WHERE path = ? AND lane IN (SELECT id FROM lane WHERE NOT configured)",
                    id);
        }
        return moves;
    }

    private boolean hasNewLane(long id, String except) throws SQLException {
        String newLane =
                "SELECT 1 FROM path p JOIN lane l WHERE p.id = ? AND l.configured AND l.name <> ?"
                        + NEW
                        + EXCEPT;
        return sql.exists(newLane, id, LaneStore.SIGN, except);
    }

    /**
     * Forgets settled paths: those settled before {@code before}, and the oldest ones beyond {@code
     * most}, a thousand in a call. Returns whether there may be more.
     */
    boolean forget(long before, long most) throws SQLException {
        String old =
                "SELECT id FROM path WHERE settled_at IS NOT NULL AND (settled_at < ? OR settled_at <"
                        + " coalesce((SELECT settled_at FROM path WHERE settled_at IS NOT NULL ORDER BY settled_at DESC"
                        + " LIMIT 1 OFFSET ?), 0)) ORDER BY settled_at LIMIT ?";
        sql.update("DELETE FROM tag WHERE path IN (" + old + ")", before, most, PAGE);
        sql.update("DELETE FROM delivered WHERE path IN (" + old + ")", before, most, PAGE);
        int forgotten =
                sql.update("DELETE FROM path WHERE id IN (" + old + ")", before, most, PAGE);
        if (forgotten > 0) {
            meta.put(LAST_ID, nextId - 1);
        }
        return forgotten == PAGE;
    }

    /** Queues paths that were found by their roots alone: their tags are unknown. */
    void enqueueUntagged(Filters.Selection paths, long now) throws SQLException {
        enqueue(paths, null, now);
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
        return sql.number(
                "SELECT id FROM path WHERE name = ? AND settled_at IS NULL", path.baseName());
    }
}
