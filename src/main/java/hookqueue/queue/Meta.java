package hookqueue.queue;

import java.sql.SQLException;
import java.util.Optional;

/** The table {@code meta}: single values, such as the pause. */
public record Meta(Sql sql, Effects.Collector effects) {
    /** The last row of {@code path} that was restored from its root, without its tags. */
    static final String UNTAGGED = "untagged_up_to";

    /** Starts no new batch until this time; 0 if only {@link #resume} ends the pause. */
    public void pause(long now, long until) throws SQLException {
        put("paused", now);
        put("paused_until", until);
        effects.changed();
    }

    public void resume() throws SQLException {
        put("paused", 0);
        effects.changed();
    }

    public boolean paused(long now) throws SQLException {
        return pause(now).isPresent();
    }

    /** The pause in force; empty if there is none. */
    public Optional<Pause> pause(long now) throws SQLException {
        long since = get("paused");
        return since == 0
                ? Optional.empty()
                : Optional.of(new Pause(since, get("paused_until")))
                        .filter(pause -> !pause.ends() || now < pause.until());
    }

    /** Records that the roots match the rows, so that the next worker need not compare them. */
    void closedCleanly() throws SQLException {
        put("clean", 1);
    }

    /** A number, 0 if there is none. */
    long get(String key) throws SQLException {
        return sql.number("SELECT value FROM meta WHERE key = ?", key).orElse(0L);
    }

    Optional<String> text(String key) throws SQLException {
        return sql.first(row -> row.getString(1), "SELECT value FROM meta WHERE key = ?", key);
    }

    void putText(String key, String value) throws SQLException {
        sql.update("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
    }

    void put(String key, long value) throws SQLException {
        sql.update("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
    }
}
