package hookqueue.queue;

import hookqueue.base.Filter;
import hookqueue.base.StorePath;
import hookqueue.roots.GcRootThread;
import hookqueue.roots.GcRoots;
import hookqueue.spool.Spool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queue's thread: runs tasks against the database, many in one commit, and keeps the roots in
 * step.
 *
 * <pre>
 *   task, task, task ─► BEGIN ─► each task ─► COMMIT (synced) ─► {@link GcRootThread}: roots made, synced ─► callers answered
 *                                    └─ one throws: ROLLBACK, then each task alone
 * </pre>
 *
 * A root is made before its path is acknowledged and removed only after the path's last delivery is
 * committed. When the worker dies in between, the next one compares the two: a database that was
 * not closed is checked against the roots.
 */
public final class Queue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Queue.class);
    private static final int SHARED = 256;
    private static final int PAGE = 1_000;
    private static final Duration REMEMBERED = Duration.ofDays(30);
    private static final long MOST_REMEMBERED = 100_000;

    private final Settings settings;
    private final InstantSource clock;
    private final Consumer<Throwable> fatal;
    private final Connection connection;
    private final QueueTransaction ledger;
    private final Database database;
    private final GcRoots roots;
    private final GcRootThread rooting;
    private final RootReconciliation reconciliation;
    private final Spool spool;
    private final LinkedBlockingQueue<Job<?>> jobs = new LinkedBlockingQueue<>();
    private final Thread thread;

    /** Guards {@link #version}: others wait on it for the queue to change. */
    private final Object changes = new Object();

    private long version;

    private volatile boolean ended;

    /** Why the spool was not taken in the last time; told once. Of the queue's thread. */
    private @Nullable String spoolTrouble;

    /** Why the database seems to be; written by the queue's thread, read after its end. */
    private @Nullable SQLException damage;

    /** Whether the thread ended in the middle of a transaction; as above. */
    private boolean broken;

    /**
     * What the queue needs to know.
     *
     * @param stateDir where the database and {@code spool/} are; must exist
     * @param rootsDir where the roots are made
     * @param storeDir the store directory
     * @param lanes {@link QueueTransaction#SIGN} first when paths are signed, then the destinations
     * @param filter which paths are taken
     */
    public record Settings(
            Path stateDir, Path rootsDir, String storeDir, List<String> lanes, Filter filter) {}

    /**
     * Something to be done in a transaction. It may run twice, so it must have no effect but on the
     * ledger.
     */
    @FunctionalInterface
    public interface Task<T> {
        /** Runs on the thread {@code queue}. */
        T run(QueueTransaction ledger) throws SQLException;
    }

    /**
     * Not a record: {@link #CLOSE} is found by identity, and a record's first equals costs 20 ms.
     */
    private static final class Job<T> {
        private final Task<T> task;
        private final CompletableFuture<T> answer = new CompletableFuture<>();

        Job(Task<T> task) {
            this.task = task;
        }

        CompletableFuture<T> answer() {
            return answer;
        }

        Runnable run(QueueTransaction ledger) throws SQLException {
            T result = task.run(ledger);
            return () -> answer.complete(result);
        }
    }

    private Queue(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            Database database,
            Connection open) {
        this.settings = settings;
        this.clock = clock;
        this.fatal = fatal;
        this.database = database;
        this.connection = open;
        this.ledger = new QueueTransaction(open, settings.filter());
        this.roots = new GcRoots(settings.rootsDir(), settings.storeDir());
        this.rooting = new GcRootThread(roots, fatal);
        this.reconciliation = new RootReconciliation(roots, settings, clock);
        this.spool = new Spool(settings.stateDir().resolve("spool"), settings.storeDir());
        this.thread = new Thread(this::serve, "queue");
    }

    /**
     * Loads the database's driver and native code, a third of a start, so that it can be done
     * beside the rest of it. Touches no file and may be left out.
     */
    public static void prepare() {
        Database.prepare();
    }

    /**
     * Opens the queue: the database (a damaged one is set aside and a new one filled from the
     * roots), the lanes in force, the spool.
     *
     * @param clock for the times that are recorded
     * @param fatal told when the database turns out to be damaged while it is in use; the queue
     *     does no more then
     * @param progress told what it does that may take long, every thousand paths: a database that
     *     was not closed is compared with the roots
     * @throws QueueException when the state directory cannot be used; the message says why
     */
    public static Queue open(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            Consumer<String> progress)
            throws QueueException {
        var database = new Database(settings.stateDir());
        try {
            Files.createDirectories(settings.stateDir().resolve("spool"));
            try {
                return begun(settings, clock, fatal, progress, database);
            } catch (SQLException e) {
                if (!Database.isDamage(e)) {
                    throw e;
                }
                progress.accept("looking whether the database is damaged");
                if (database.isLost(e)) {
                    database.setAside(clock.instant());
                }
                return begun(settings, clock, fatal, progress, database);
            }
        } catch (SQLException | IOException e) {
            throw new QueueException(
                    "the state directory "
                            + settings.stateDir()
                            + " cannot be used: "
                            + (Database.isInUse(e) ? "another worker is using it" : e.getMessage()),
                    e);
        }
    }

    private static Queue begun(
            Settings settings,
            InstantSource clock,
            Consumer<Throwable> fatal,
            Consumer<String> progress,
            Database database)
            throws SQLException, IOException {
        Database.Opened opened = database.open(progress);
        var queue = new Queue(settings, clock, fatal, database, opened.connection());
        try {
            queue.begin(opened, progress);
        } catch (SQLException e) {
            opened.connection().close();
            throw e;
        }
        return queue;
    }

    private void begin(Database.Opened opened, Consumer<String> progress) throws SQLException {
        long now = clock.millis();
        List<String> damaged = database.damaged();
        if (!damaged.isEmpty()) {
            LOG.error(
                    "a damaged database was set aside in {} as {}: look at it, then move it away",
                    settings.stateDir(),
                    damaged);
        }
        boolean settledSome = ledger.configure(settings.lanes(), now);
        if (opened.begun() || !opened.clean() || settledSome) {
            reconciliation.atStart(ledger, connection::commit, progress);
        }
        ledger.forget(now - REMEMBERED.toMillis(), MOST_REMEMBERED, PAGE);
        connection.commit();
        rooting.start();
        spool.removeLeftovers(clock.instant());
        takeInSpool();
        thread.start();
    }

    /**
     * Looks once more, before nothing is said to be left to do, for roots of paths that the
     * database has forgotten: a bit that flips in a row is no error to SQLite, but then the row is
     * another path's. Few roots are there at that time.
     */
    public void lookAtRoots() throws QueueException, InterruptedException {
        reconciliation.look(this, false);
    }

    /**
     * When a root could not be made or removed: makes up for it once that is possible, a thousand
     * paths a call. For one thread.
     *
     * @return whether the next call has more to do
     */
    public boolean mendRoots() throws QueueException, InterruptedException {
        return reconciliation.mend(this);
    }

    /**
     * Runs a task in a transaction and returns its result after the commit.
     *
     * @throws QueueException when it could not be committed: nothing of it has happened
     * @throws InterruptedException when the caller is to stop; the task may happen all the same
     */
    public <T> T call(Task<T> task) throws QueueException, InterruptedException {
        return submit(task).await();
    }

    /** A task that was handed over. */
    @FunctionalInterface
    public interface Submitted<T> {
        /** Waits for the result, as {@link Queue#call} does. */
        T await() throws QueueException, InterruptedException;
    }

    /** As {@link #call}, for whoever has something to do meanwhile. Tasks run in this order. */
    public <T> Submitted<T> submit(Task<T> task) {
        var job = new Job<>(task);
        jobs.add(job);
        if (ended) { // nobody takes it from there any more
            job.answer().completeExceptionally(closed());
        }
        return () -> await(job);
    }

    private static <T> T await(Job<T> job) throws QueueException, InterruptedException {
        try {
            return job.answer().get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            if (cause instanceof SQLException) {
                throw new QueueException("the queue's database: " + cause.getMessage(), cause);
            }
            throw new IllegalStateException("a bug in a task of the queue: " + cause, cause);
        }
    }

    /**
     * Queues paths; when this returns they are committed and rooted. The spool is taken in on the
     * way.
     */
    public Receipt enqueue(List<StorePath> paths, @Nullable String tag)
            throws QueueException, InterruptedException {
        return call(ledger -> ledger.enqueue(paths, tag, clock.millis()));
    }

    /**
     * Forgets a thousand of the paths that were settled long ago, or are too many. Returns whether
     * there may be more.
     */
    public boolean forget() throws QueueException, InterruptedException {
        long before = clock.millis() - REMEMBERED.toMillis();
        return call(ledger -> ledger.forget(before, MOST_REMEMBERED, PAGE));
    }

    /** What is wrong with the folder of the roots, or null. */
    public @Nullable String rootsProblem() {
        return roots.problem();
    }

    /** Damaged databases that were set aside and not yet moved away by an operator. */
    public List<String> damaged() {
        return database.damaged();
    }

    /** Where they are. */
    public Path stateDir() {
        return settings.stateDir();
    }

    /** A number that grows whenever something changes that others may wait for. */
    public long version() {
        synchronized (changes) {
            return version;
        }
    }

    /**
     * Waits until {@link #version()} differs from {@code seen}, or the time is over (milliseconds,
     * at least 1).
     */
    public void awaitChange(long seen, long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        synchronized (changes) {
            while (version == seen) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return;
                }
                changes.wait(left);
            }
        }
    }

    /** Wakes everybody who waits for a change. */
    public void wake() {
        synchronized (changes) {
            version++;
            changes.notifyAll();
        }
    }

    private void serve() {
        var group = new ArrayList<Job<?>>(SHARED);
        try {
            while (true) {
                group.clear();
                group.add(jobs.take());
                jobs.drainTo(group, SHARED - 1);
                boolean last = group.remove(CLOSE);
                takeInSpool(); // first: whoever asks is told of what the hook has left there, too
                runShared(group);
                if (last) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("the queue's thread was interrupted");
        } catch (RuntimeException | Error e) {
            broken = true;
            fatal.accept(e);
        } finally {
            ended = true;
            group.forEach(job -> job.answer().completeExceptionally(closed()));
            jobs.forEach(job -> job.answer().completeExceptionally(closed()));
        }
    }

    private static SQLException closed() {
        return new SQLException("the queue is closed");
    }

    private static final Job<Boolean> CLOSE = new Job<>(ledger -> true);

    private void runShared(List<Job<?>> group) {
        SQLException failure = tryTogether(group);
        if (failure != null && group.size() == 1) {
            group.getFirst().answer().completeExceptionally(failure);
        } else if (failure != null) {
            for (Job<?> job : group) {
                SQLException alone = tryTogether(List.of(job));
                if (alone != null) {
                    job.answer().completeExceptionally(alone);
                }
            }
        }
    }

    /** Null when all was committed and answered; otherwise nothing has happened. */
    private @Nullable SQLException tryTogether(List<Job<?>> group) {
        List<Job<?>> together = List.copyOf(group); // the thread goes on to use its own list
        var answers = new ArrayList<Runnable>(group.size());
        try {
            for (Job<?> job : group) {
                answers.add(job.run(ledger));
            }
            connection.commit();
        } catch (SQLException e) {
            rollBack();
            if (Database.isDamage(e)) {
                damage = e;
                fatal.accept(e);
            }
            return e;
        } catch (RuntimeException e) {
            rollBack();
            return new SQLException("a bug: " + e, e);
        }
        boolean changed = ledger.takeChanged();
        List<GcRoots.Change> changes = ledger.takeRootChanges();
        GcRootThread.After after =
                made -> {
                    if (made) {
                        answers.forEach(Runnable::run);
                    } else {
                        together.forEach(job -> job.answer().completeExceptionally(closed()));
                    }
                    if (changed) {
                        wake();
                    }
                };
        if (changes.isEmpty()) {
            after.run(true);
        } else {
            rooting.hand(changes, after);
        }
        return null;
    }

    private void rollBack() {
        ledger.forgetTransaction();
        try {
            connection.rollback();
        } catch (SQLException e) {
            beginAgain(e);
        }
    }

    /**
     * SQLite itself rolls back when the disk is full (https://www.sqlite.org/lang_transaction.html,
     * 3); the driver's rollback then fails before it has begun a new transaction, and every later
     * statement would be one of its own.
     */
    private void beginAgain(SQLException failure) {
        try (Statement s = connection.createStatement()) {
            s.execute("BEGIN");
        } catch (SQLException e) {
            e.addSuppressed(failure);
            LOG.error("cannot roll back", e);
        }
    }

    /** In one commit, so that many files do not keep a hook waiting. */
    private void takeInSpool() {
        List<Spool.Batch> waiting = spool.waiting();
        if (waiting.isEmpty()) {
            return;
        }
        List<StorePath> paths = waiting.stream().flatMap(batch -> batch.paths().stream()).toList();
        var job = new Job<Receipt>(ledger -> ledger.enqueue(paths, null, clock.millis()));
        SQLException failure = tryTogether(List.of(job));
        if (failure != null) {
            String trouble = String.valueOf(failure.getMessage());
            if (!trouble.equals(spoolTrouble)) { // each job and each look tries again
                LOG.error("cannot take in what is in the spool: {}", trouble);
            }
            spoolTrouble = trouble;
            return;
        }
        spoolTrouble = null;
        try {
            job.answer().join(); // rooted
        } catch (CompletionException e) {
            LOG.debug("closed before all was rooted; the spool is kept", e);
            return;
        }
        LOG.info("took in {} paths from {} spool files", paths.size(), waiting.size());
        waiting.forEach(spool::done);
        dropRootsOfExcluded(paths);
    }

    /** A hook roots what it spools, without knowing what the settings exclude. */
    private void dropRootsOfExcluded(List<StorePath> paths) {
        var unneeded = new ArrayList<GcRoots.Change>();
        try {
            for (StorePath path : paths) {
                if (!settings.filter().test(path) && !ledger.isUnsettled(path)) {
                    unneeded.add(new GcRoots.Change(path, false));
                }
            }
            rooting.handAndWait(unneeded);
        } catch (SQLException e) {
            LOG.warn("cannot tell which roots are still needed: {}", e.getMessage());
        }
    }

    /**
     * Ends the thread after the tasks at hand and closes the database; others get an error from
     * then on.
     */
    @Override
    public void close() {
        jobs.add(CLOSE);
        try {
            thread.join();
            rooting.close();
            roots.sync(); // or one that was removed comes back, and nobody looks after a clean end
            if (broken) {
                rollBack();
            } else if (damage == null && roots.problem() == null) {
                ledger.closedCleanly(); // else the next worker compares roots and rows
                connection.commit();
            }
            ledger.close();
            connection.close();
            if (damage != null && database.isLost(damage)) {
                // the next worker fills a new one from the roots
                database.setAside(clock.instant());
            }
        } catch (SQLException | IOException e) {
            LOG.error("cannot close the database cleanly: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
