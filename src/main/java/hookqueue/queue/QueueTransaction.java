package hookqueue.queue;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Access to the queue for a task, with one store for each kind of caller.
 *
 * <p>Used on the thread {@code queue} only. A transaction is always open. {@link #commit} ends it,
 * returns its effects outside the database, and begins the next one. No list of a store is longer
 * than the requested limit. All times are milliseconds since the epoch.
 */
public final class QueueTransaction {
    private static final Logger LOG = LoggerFactory.getLogger(QueueTransaction.class);

    /** The least free space worth a vacuum, in pages of 4 KiB. */
    private static final long LEAST_FREE = 512;

    /**
     * The largest used space worth a vacuum, in the same unit: 40 MiB, more than 100,000 remembered
     * paths take.
     */
    private static final long MOST_KEPT = 10_240;

    /** The generation for which paths of removed destinations were moved. */
    private static final String MOVED = "moved";

    private final Connection connection;
    private final Sql sql;
    private final Effects.Collector effects = new Effects.Collector();
    private final Meta meta;
    private final PathStore paths;
    private final Map<String, LaneStore> lanes = new HashMap<>();

    QueueTransaction(Connection connection) {
        this.connection = connection;
        this.sql = new Sql(connection);
        this.meta = new Meta(sql, effects);
        this.paths = new PathStore(sql, meta, effects);
    }

    /** Updates the configured lanes. Returns what {@link LaneSettings#apply} returns. */
    boolean configure(Queue.Settings wanted, long now, Consumer<String> progress)
            throws SQLException {
        var settings = new LaneSettings(sql, meta);
        settings.rename(wanted.lanes(), wanted.urls());
        boolean settledSome = settings.apply(wanted.lanes(), now);
        for (String name : wanted.lanes()) {
            lanes.put(name, new LaneStore(sql, removals(), effects, name, settings.id(name)));
        }
        LaneStore sign = lanes.get(LaneStore.SIGN);
        paths.begin(settings.generation(), sign == null ? null : sign.id());
        if (meta.get(MOVED) < settings.generation()) {
            // in the transaction that changes the lanes: no later step would find these paths
            long moved = paths.moveStranded(wanted.filters(), now, progress);
            if (moved > 0) {
                LOG.info("moved {} paths of removed destinations to new ones", moved);
            }
            meta.put(MOVED, settings.generation());
        }
        return settledSome;
    }

    public PathStore paths() {
        return paths;
    }

    public RemovalStore removals() {
        return new RemovalStore(sql, effects);
    }

    public RetryStore retries() {
        return paths.retries();
    }

    public ReportQueries reports() {
        return new ReportQueries(sql);
    }

    public WaitQueries waits() {
        return new WaitQueries(sql);
    }

    public VerifyStore verification() {
        return new VerifyStore(sql, meta, paths);
    }

    public Meta meta() {
        return meta;
    }

    /** The lane with this name; an IllegalArgumentException if the settings have none. */
    public LaneStore lane(String name) {
        LaneStore lane = lanes.get(name);
        if (lane == null) {
            throw new IllegalArgumentException("not a lane of the settings: " + name);
        }
        return lane;
    }

    RootStore roots() {
        return new RootStore(sql, effects);
    }

    /** Commits; all changes are on disk when this returns. */
    Effects commit() throws SQLException {
        connection.commit();
        return effects.take();
    }

    void rollBack() {
        effects.take();
        sql.closeStatements();
        try {
            connection.rollback();
        } catch (SQLException e) {
            beginAgain(e);
        }
    }

    /**
     * Begins a transaction if there is none. On a full disk SQLite itself rolls back
     * (https://www.sqlite.org/lang_transaction.html, 3). The driver's rollback then fails before it
     * has begun a new transaction, and every later statement would be a transaction of its own.
     */
    private void beginAgain(SQLException failure) {
        try (Statement s = connection.createStatement()) {
            s.execute("BEGIN");
        } catch (SQLException e) {
            e.addSuppressed(failure);
            LOG.error("cannot roll back", e);
        }
    }

    /**
     * Shrinks a file that was large once and is mostly free now. Takes about a second, at the end
     * of a worker. On failure, for example on a full disk, the file stays unchanged.
     */
    void giveBackSpace() throws SQLException {
        long pages = pragma("page_count");
        long free = pragma("freelist_count");
        if (free < LEAST_FREE || free < pages - free || pages - free > MOST_KEPT) {
            return;
        }
        sql.closeStatements();
        connection.setAutoCommit(true);
        try (Statement s = connection.createStatement()) {
            s.execute("PRAGMA temp_store = FILE"); // the copy may be larger than the heap
            s.execute("VACUUM");
            LOG.info("the database is smaller now: {} pages instead of {}", pages - free, pages);
        } catch (SQLException e) {
            LOG.warn("the database cannot be made smaller: {}", e.getMessage());
        }
    }

    private long pragma(String name) throws SQLException {
        return sql.number("PRAGMA " + name).orElse(0L);
    }

    void close() throws SQLException {
        sql.closeStatements();
        connection.close();
    }
}
