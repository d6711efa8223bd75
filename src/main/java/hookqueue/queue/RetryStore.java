package hookqueue.queue;

import hookqueue.base.StorePath;
import hookqueue.queue.DeliveryRow.State;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes failed and deferred deliveries due now.
 *
 * @param sign the lane that signs, or null
 */
public record RetryStore(Sql sql, Effects.Collector effects, @Nullable Long sign) {
    static final String CONFIGURED = "d.lane IN (SELECT id FROM lane WHERE configured)";

    private static final String REVIVE =
            "UPDATE delivery AS d SET state = ?, due_at = ?, tries = 0, attempts = 0,"
                    + " changed_at = max(?, changed_at + 1) WHERE ";

    private static final String CLOSE_BREAKERS =
            "UPDATE lane SET breaker_failures = 0, breaker_until = 0, breaker_since = 0";

    /**
     * Makes deliveries due now. A failed delivery waits for a new signature first: the path may
     * have been built again since, or the key may be new. The time of the change differs from the
     * previous one, so that the verdict of a lane with the entry in flight does not count.
     */
    int revive(String which, long now, Object... parameters) throws SQLException {
        int held = 0;
        if (sign != null) {
            String failed = " FROM delivery d WHERE d.lane <> ? AND d.state = ? AND " + which;
            sql.update(
                    "INSERT OR IGNORE INTO delivery (path, lane, state, due_at, changed_at)"
                            + " SELECT DISTINCT d.path, ?, ?, ?, ?"
                            + failed,
                    Sql.with(parameters, sign, State.FRESH, now, now, sign, State.FAILED));
            String hold = REVIVE + "d.lane <> ? AND d.state = ? AND " + which;
            held = sql.update(hold, Sql.with(parameters, State.HELD, now, now, sign, State.FAILED));
        }
        return held + sql.update(REVIVE + which, Sql.with(parameters, State.FRESH, now, now));
    }

    /**
     * Makes all failed and deferred paths of the configured lanes due now, and closes every
     * breaker. Returns how many.
     */
    public int retryAll(long now) throws SQLException {
        sql.update(CLOSE_BREAKERS);
        effects.changed();
        return revive(CONFIGURED + " AND d.state IN (?, ?)", now, State.DEFERRED, State.FAILED);
    }

    public enum Retried {
        /** Its failed and deferred deliveries are due now. */
        DUE,
        /** It waits only for removed destinations. */
        NO_DESTINATION,
        /** It is not queued. */
        NOT_QUEUED
    }

    /** Like {@link #retryAll}, for one path and the breakers of its lanes. */
    public Retried retry(StorePath path, long now) throws SQLException {
        Optional<Long> id = PathStore.unsettled(sql, path);
        if (id.isEmpty()) {
            return Retried.NOT_QUEUED;
        }
        if (!sql.exists("SELECT 1 FROM delivery d WHERE d.path = ? AND " + CONFIGURED, id.get())) {
            return Retried.NO_DESTINATION;
        }
        String ofPath = " WHERE id IN (SELECT lane FROM delivery WHERE path = ?)";
        sql.update(CLOSE_BREAKERS + ofPath, id.get());
        String waiting = CONFIGURED + " AND d.path = ? AND d.state IN (?, ?)";
        revive(waiting, now, id.get(), State.DEFERRED, State.FAILED);
        effects.changed();
        return Retried.DUE;
    }
}
