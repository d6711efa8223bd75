package hookqueue.queue;

import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Updates the configured lanes from the settings, at the start. The rows of a removed lane stay,
 * and continue if the lane returns.
 */
record LaneSettings(Sql sql, Meta meta) {
    private static final Logger LOG = LoggerFactory.getLogger(LaneSettings.class);

    /** Begins the key of the URL of a destination that has a name. */
    private static final String URL = "url ";

    long generation() throws SQLException {
        return meta.get("generation");
    }

    long id(String name) throws SQLException {
        return sql.number("SELECT id FROM lane WHERE name = ?", name).orElseThrow();
    }

    /**
     * Lets a destination keep its lane when it gets a name, another name, or none any more. The
     * same URL tells that it is the same destination.
     *
     * @param urls of the destinations whose name is not their URL, by name
     */
    void rename(List<String> names, Map<String, String> urls) throws SQLException {
        String lanes = "SELECT name FROM lane ORDER BY configured DESC, generation DESC";
        List<String> known = sql.query(row -> row.getString(1), lanes);
        List<String> removed = known.stream().filter(lane -> !names.contains(lane)).toList();
        for (String name : names) {
            if (!known.contains(name)) {
                takeOver(name, urls.getOrDefault(name, name), removed);
            }
        }
        for (Map.Entry<String, String> each : urls.entrySet()) {
            if (!url(each.getKey()).equals(each.getValue())) {
                meta.putText(URL + each.getKey(), each.getValue());
            }
        }
    }

    private void takeOver(String name, String url, List<String> removed) throws SQLException {
        for (String lane : removed) {
            if (url(lane).equals(url)) {
                sql.update("UPDATE lane SET name = ? WHERE name = ?", name, lane);
                LOG.info("{} is now {}: the URL is the same", lane, name);
                return;
            }
        }
    }

    /** The URL of a lane, as far as it is known. */
    private String url(String lane) throws SQLException {
        return meta.text(URL + lane).orElse(lane);
    }

    /** Returns whether paths became settled, whose roots still exist. */
    boolean apply(List<String> names, long now) throws SQLException {
        List<String> before =
                sql.query(row -> row.getString(1), "SELECT name FROM lane WHERE configured");
        if (Set.copyOf(before).equals(Set.copyOf(names))) {
            return false;
        }
        long generation = generation() + 1;
        meta.put("generation", generation);
        for (String name : before) {
            if (!names.contains(name)) {
                String remove = "UPDATE lane SET configured = 0, generation = ? WHERE name = ?";
                sql.update(remove, generation, name);
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
        if (names.contains(LaneStore.SIGN)) {
            signFirst(id(LaneStore.SIGN), now);
            return false;
        }
        return releaseUnsigned(now);
    }

    /** Holds all paths that are not yet uploaded until they are signed with the new key. */
    private void signFirst(long sign, long now) throws SQLException {
        String queueForSigning =
                "INSERT INTO delivery (path, lane, state, changed_at) SELECT DISTINCT path, ?, ?, ? FROM delivery"
                        + " WHERE state IN (?, ?) AND path NOT IN (SELECT path FROM delivery WHERE lane = ?)";
        sql.update(queueForSigning, sign, State.FRESH, now, State.FRESH, State.DEFERRED, sign);
        String hold =
                "UPDATE delivery SET state = ?, due_at = 0 WHERE state IN (?, ?) AND lane <> ?"
                        + " AND path IN (SELECT path FROM delivery WHERE lane = ?)";
        sql.update(hold, State.HELD, State.FRESH, State.DEFERRED, sign, sign);
    }

    /** Releases all held paths, because there is no key any more. */
    private boolean releaseUnsigned(long now) throws SQLException {
        sql.update("UPDATE delivery SET state = ? WHERE state = ?", State.FRESH, State.HELD);
        sql.update(
                "DELETE FROM delivery WHERE lane IN (SELECT id FROM lane WHERE name = ?)",
                LaneStore.SIGN);
        return sql.update(
                        "UPDATE path SET settled_at = ? WHERE settled_at IS NULL AND id NOT IN (SELECT path FROM delivery)",
                        now)
                > 0;
    }
}
