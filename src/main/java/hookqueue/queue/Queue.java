package hookqueue.queue;

import hookqueue.base.Filters;
import hookqueue.roots.GcRootThread;
import hookqueue.roots.GcRoots;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queue on disk. Opens it, passes tasks to its thread (see {@link Writer}), wakes threads that
 * wait for a change, and closes it.
 */
public final class Queue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Queue.class);
    private static final Duration REMEMBERED = Duration.ofDays(30);
    private static final long MOST_REMEMBERED = 100_000;

    private final Settings settings;
    private final InstantSource clock;
    private final Damage damage;
    private final QueueTransaction transaction;
    private final GcRoots roots;
    private final GcRootThread rootThread;
    private final RootReconciliation reconciliation;
    private final ChangeSignal changes = new ChangeSignal();
    private final Writer writer;

    /**
     * The settings of the queue.
     *
     * @param stateDir must exist
     * @param lanes {@link LaneStore#SIGN} first if paths are signed, then the destinations
     * @param urls of the destinations whose name is not their URL, by name
     * @param filters select the paths to queue again when only their root is left, and the paths of
     *     a removed destination that a new one gets
     */
    public record Settings(
            Path stateDir,
            Path rootsDir,
            String storeDir,
            List<String> lanes,
            Map<String, String> urls,
            Filters filters) {}

    /**
     * A task for a transaction. It may run twice, so it must have no effect outside the
     * transaction.
     */
    @FunctionalInterface
    public interface Task<T> {
        /** Runs on the thread {@code queue}. */
        T run(QueueTransaction transaction) throws SQLException;
    }

    @FunctionalInterface
    public interface Submitted<T> {
        /** Waits for the result, as {@link Queue#call} does. */
        T await() throws QueueException, InterruptedException;
    }

    private Queue(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            QueueTransaction transaction) {
        this.settings = settings;
        this.clock = clock;
        this.damage = new Damage(settings.stateDir());
        this.transaction = transaction;
        this.roots = new GcRoots(settings.rootsDir(), settings.storeDir());
        this.rootThread = new GcRootThread(roots, fatal);
        this.reconciliation = new RootReconciliation(roots, settings, clock);
        this.writer = new Writer(transaction, rootThread, changes, fatal);
    }

    /** Loads the driver and its native code, a third of a start, so that it can run in parallel. */
    public static void prepare() {
        Database.prepare();
    }

    /**
     * Opens the database and updates the configured lanes. It sets a damaged database aside, and
     * fills a new one from the roots.
     *
     * @param fatal is called when the database turns out to be damaged while it is in use
     * @param progress is called during work that may take long, every thousand paths
     * @throws QueueException if the state directory cannot be used; the message says why
     */
    public static Queue open(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            Consumer<String> progress)
            throws QueueException {
        var damage = new Damage(settings.stateDir());
        try {
            try {
                return opened(settings, clock, fatal, progress);
            } catch (SQLException e) {
                if (!Damage.isDamage(e)) {
                    throw e;
                }
                progress.accept("looking whether the database is damaged");
                if (damage.isLost(e)) {
                    damage.setAside(clock.instant());
                }
                return opened(settings, clock, fatal, progress);
            }
        } catch (SQLException | IOException e) {
            throw QueueException.unusable(
                    settings.stateDir(),
                    Database.isInUse(e) ? "another worker is using it" : e.getMessage(),
                    e);
        }
    }

    private static Queue opened(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            Consumer<String> progress)
            throws SQLException, IOException {
        new Damage(settings.stateDir()).tidy();
        Database.Opened database = Database.open(settings.stateDir(), progress);
        var transaction = new QueueTransaction(database.connection());
        try {
            var queue = new Queue(settings, clock, fatal, transaction);
            queue.begin(database, progress);
            return queue;
        } catch (SQLException e) {
            transaction.close();
            throw e;
        }
    }

    private void begin(Database.Opened database, Consumer<String> progress) throws SQLException {
        List<String> damaged = damage.damaged();
        if (!damaged.isEmpty()) {
            LOG.error(
                    "a damaged database was set aside in {} as {}: look at it, then move it away",
                    settings.stateDir(),
                    damaged);
        }
        boolean settledSome = transaction.configure(settings, clock.millis(), progress);
        if (!database.clean() || settledSome) {
            reconciliation.atStart(transaction, progress);
        }
        transaction.paths().forget(rememberedSince(), MOST_REMEMBERED);
        transaction.commit();
        rootThread.start();
        writer.start();
    }

    /**
     * Runs a task in a transaction. Returns its result after the commit, when the roots are made.
     *
     * @throws QueueException if the commit failed: the task has had no effect
     * @throws InterruptedException if the caller has to stop; the task may still run
     */
    public <T> T call(Task<T> task) throws QueueException, InterruptedException {
        return submit(task).await();
    }

    /** Like {@link #call}, but does not wait. Tasks run in the order of submission. */
    public <T> Submitted<T> submit(Task<T> task) {
        return writer.submit(task);
    }

    /**
     * Forgets up to a thousand settled paths that are too old or too many. Returns whether there
     * may be more.
     */
    public boolean forget() throws QueueException, InterruptedException {
        long before = rememberedSince();
        return call(transaction -> transaction.paths().forget(before, MOST_REMEMBERED));
    }

    private long rememberedSince() {
        return clock.millis() - REMEMBERED.toMillis();
    }

    /**
     * Compares the roots with the rows once more before the worker reports that the queue is empty.
     * A bit flip in a row is no error to SQLite, but then the row belongs to another path. There
     * are few roots at that time.
     */
    public void lookAtRoots() throws QueueException, InterruptedException {
        reconciliation.look(this, false);
    }

    /**
     * Repairs roots after a root could not be made or removed, once the folder works again, a
     * thousand paths a call. For one thread. Returns whether the next call has more to do.
     */
    public boolean mendRoots() throws QueueException, InterruptedException {
        return reconciliation.mend(this);
    }

    /** The problem with the folder of the roots, or null. */
    public @Nullable String rootsProblem() {
        return roots.problem();
    }

    /** Damaged databases that were set aside and that no operator has moved away yet. */
    public List<String> damaged() {
        return damage.damaged();
    }

    public Path stateDir() {
        return settings.stateDir();
    }

    /**
     * Waits until the roots of all transactions are made and removed that a finished {@link #call}
     * of this thread has seen.
     */
    public void awaitRoots() throws QueueException, InterruptedException {
        var made = new ArrayBlockingQueue<Boolean>(1);
        rootThread.hand(List.of(), false, made::add);
        if (!made.take()) {
            String closed = "the queue is closed";
            throw new QueueException(closed, new IllegalStateException(closed));
        }
    }

    /** How many paths were queued since this worker started, also again. */
    public long queued() {
        return changes.queued();
    }

    /** A number that grows with every change that clients may wait for. */
    public long version() {
        return changes.version();
    }

    /**
     * Waits until {@link #version()} differs from {@code seen}, or the time is over (milliseconds,
     * at least 1).
     */
    public void awaitChange(long seen, long millis) throws InterruptedException {
        changes.await(seen, millis);
    }

    public void wake() {
        changes.wake();
    }

    /**
     * Runs the submitted tasks; later ones get an error. The mark of a clean end comes last:
     * without it the next worker compares roots and rows.
     */
    @Override
    public void close() {
        try {
            writer.close();
            rootThread.close();
            roots.sync(); // without the sync a removed root may come back, and no worker checks
            // after a clean end
            SQLException found = writer.damage();
            if (writer.broken()) {
                transaction.rollBack();
            } else if (found == null && roots.problem() == null) {
                transaction.meta().closedCleanly();
                transaction.commit();
                transaction.giveBackSpace();
            }
            transaction.close();
            if (found != null && damage.isLost(found)) {
                damage.setAside(clock.instant()); // the next worker fills a new one from the roots
            }
        } catch (SQLException | IOException e) {
            LOG.error("cannot close the database cleanly: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
