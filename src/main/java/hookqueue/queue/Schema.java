package hookqueue.queue;

import java.sql.SQLException;
import java.sql.Statement;

/**
 * The tables, and their version in {@code PRAGMA user_version}.
 *
 * <pre>
 *   path                          delivery                          lane
 *   ────                          ────────                          ────
 *   id          ◄──────────────── path   ┐ primary                  id
 *   name        &lt;hash&gt;-&lt;name&gt;     lane   ┘ key  ──────────────────► name        sign, or a destination
 *   queued_at   ms since 1970     state  0 held   by the lane sign  configured  in the settings in force
 *   settled_at  ms, or null              1 fresh  due now           held, fresh, deferred, failed: rows of
 *               while it has             2 deferred until due_at                 delivery by state, kept by triggers
 *               a delivery               3 failed                   delivered, bytes, last_delivery: totals
 *                                                                  recent_paths, recent_millis: see Pace
 *                                 due_at, tries, attempts,          breaker_failures, _until, _since, _reason
 *   generation  of the settings                                   generation  of the settings that
 *               when it was                                                   brought it in
 *               queued last       reason, changed_at              or out
 *   tag                           delivered                         when a destination got a path last;
 *   ───                           ─────────                         remembered as long as its path
 *   tag, path   of `queue tag=`   lane, path, at
 *
 *   meta: key, value              paused, paused_until, clean, generation, moved, untagged_up_to, last_id,
 *                                 url NAME: of a destination that has a name,
 *                                 verify_since, verify_at, verify_COUNT:LANE: see VerifyStore
 *
 *   tally: lane, what, slot, value     what "runs DELIVERED" and the like, slot 0: how many child processes
 *                                      what "child", "latency": slot is a bound in ms, value how many were
 *                                      in that bucket alone; slot -1: the sum in ms
 *                                      what "speed bytes", "speed paths": slot 0 is the amount, slot 1 the
 *                                      time in ms, slot 2 whether it is slow; see SpeedStore
 * </pre>
 *
 * A delivery is deleted when it is done. A path without deliveries is settled, and is forgotten
 * after a while, with its tags and its rows of delivered.
 */
final class Schema {
    private static final String[][] VERSIONS = {
        {
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE path (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
                    + " queued_at INTEGER NOT NULL, settled_at INTEGER)",
            "CREATE INDEX path_settled ON path (settled_at) WHERE settled_at IS NOT NULL",
            "CREATE TABLE tag (tag TEXT NOT NULL, path INTEGER NOT NULL, PRIMARY KEY (tag, path)) WITHOUT ROWID",
            "CREATE INDEX tag_path ON tag (path)",
            "CREATE TABLE lane (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, configured INTEGER NOT NULL,"
                    + " held INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,"
                    + " deferred INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
                    + " delivered INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
                    + " last_delivery INTEGER NOT NULL DEFAULT 0,"
                    + " breaker_failures INTEGER NOT NULL DEFAULT 0, breaker_until INTEGER NOT NULL DEFAULT 0,"
                    + " breaker_since INTEGER NOT NULL DEFAULT 0, breaker_reason TEXT NOT NULL DEFAULT '')",
            "CREATE TABLE delivery (path INTEGER NOT NULL, lane INTEGER NOT NULL, state INTEGER NOT NULL,"
                    + " due_at INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,"
                    + " attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',"
                    + " changed_at INTEGER NOT NULL, PRIMARY KEY (path, lane)) WITHOUT ROWID",
            "CREATE INDEX delivery_due ON delivery (lane, state, due_at, path)",
            "CREATE TRIGGER delivery_insert AFTER INSERT ON delivery BEGIN"
                    + count("+", "NEW")
                    + " END",
            "CREATE TRIGGER delivery_delete AFTER DELETE ON delivery BEGIN"
                    + count("-", "OLD")
                    + " END",
            "CREATE TRIGGER delivery_update AFTER UPDATE OF state ON delivery WHEN OLD.state <> NEW.state BEGIN"
                    + count("-", "OLD")
                    + count("+", "NEW")
                    + " END",
        },
        { // added by version 2
            "ALTER TABLE lane ADD COLUMN recent_paths REAL NOT NULL DEFAULT 0",
            "ALTER TABLE lane ADD COLUMN recent_millis REAL NOT NULL DEFAULT 0",
            "CREATE TABLE tally (lane INTEGER NOT NULL, what TEXT NOT NULL, slot INTEGER NOT NULL,"
                    + " value INTEGER NOT NULL, PRIMARY KEY (lane, what, slot)) WITHOUT ROWID",
        },
        { // added by version 3
            "ALTER TABLE path ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE lane ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
        },
        { // added by version 4; earlier deliveries are not known by destination
            "CREATE TABLE delivered (lane INTEGER NOT NULL, path INTEGER NOT NULL, at INTEGER NOT NULL,"
                    + " PRIMARY KEY (lane, path)) WITHOUT ROWID",
            "CREATE INDEX delivered_path ON delivered (path)",
            "CREATE INDEX delivered_at ON delivered (at)",
        },
    };

    static final int VERSION = VERSIONS.length;

    private Schema() {}

    private static String count(String sign, String row) {
        return (" UPDATE lane SET held = held SIGN (ROW.state = 0), fresh = fresh SIGN (ROW.state = 1),"
                        + " deferred = deferred SIGN (ROW.state = 2), failed = failed SIGN (ROW.state = 3)"
                        + " WHERE id = ROW.lane;")
                .replace("SIGN", sign)
                .replace("ROW", row);
    }

    /**
     * Creates the missing tables, also of an older version.
     *
     * @throws SQLException also if a newer version of this program created the database
     */
    static void apply(Statement s) throws SQLException {
        int version;
        try (var found = s.executeQuery("PRAGMA user_version")) {
            version = found.next() ? found.getInt(1) : 0;
        }
        if (version > VERSION || version < 0) {
            throw new SQLException(
                    "the database has schema version "
                            + version
                            + ", this program knows "
                            + VERSION
                            + ": use the newer program again, or set the database aside");
        }
        for (int added = version; added < VERSION; added++) {
            for (String statement : VERSIONS[added]) {
                s.execute(statement);
            }
        }
        if (version < VERSION) {
            s.execute("PRAGMA user_version = " + VERSION);
        }
    }
}
