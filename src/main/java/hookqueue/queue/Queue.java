package hookqueue.queue;

import hookqueue.base.StorePath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
 *   task, task, task ─► BEGIN ─► each task ─► COMMIT (synced) ─► roots made, removed, synced ─► callers answered
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
    private final Ledger ledger;
    private final Database database;
    private final Roots roots;
    private final Spool spool;
    private final LinkedBlockingQueue<Job<?>> jobs = new LinkedBlockingQueue<>();
    private final Thread thread;

    /** Guards {@link #version}: others wait on it for the queue to change. */
    private final Object changes = new Object();

    private long version;

    /**
     * What the queue needs to know.
     *
     * @param stateDir where the database and {@code spool/} are; must exist
     * @param rootsDir where the roots are made
     * @param storeDir the store directory
     * @param lanes {@link Ledger#SIGN} first when paths are signed, then the destinations
     * @param selection which paths are taken
     */
    public record Settings(
            Path stateDir,
            Path rootsDir,
            String storeDir,
            List<String> lanes,
            Selection selection) {}

    /**
     * Something to be done in a transaction. It may run twice, so it must have no effect but on the
     * ledger.
     */
    @FunctionalInterface
    public interface Task<T> {
        /** Runs on the thread {@code queue}. */
        T run(Ledger ledger) throws SQLException;
    }

    private record Job<T>(Task<T> task, CompletableFuture<T> answer) {
        Runnable run(Ledger ledger) throws SQLException {
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
        this.ledger = new Ledger(open, settings.selection());
        this.roots = new Roots(settings.rootsDir(), settings.storeDir());
        this.spool = new Spool(settings.stateDir().resolve("spool"), settings.storeDir());
        this.thread = new Thread(this::serve, "queue");
    }

    /**
     * Opens the queue: the database (a damaged one is set aside and a new one filled from the
     * roots), the lanes in force, the spool.
     *
     * @param clock for the times that are recorded
     * @param fatal told when the database turns out to be damaged while it is in use; the queue
     *     does no more then
     * @throws QueueException when the state directory cannot be used; the message says why
     */
    public static Queue open(Settings settings, InstantSource clock, Consumer<Throwable> fatal)
            throws QueueException {
        var database = new Database(settings.stateDir());
        try {
            Files.createDirectories(settings.stateDir().resolve("spool"));
            Database.Opened opened = database.open(clock.instant());
            var queue = new Queue(settings, clock, fatal, database, opened.connection());
            queue.begin(opened);
            queue.thread.start();
            return queue;
        } catch (SQLException | IOException e) {
            throw new QueueException(
                    "the state directory "
                            + settings.stateDir()
                            + " cannot be used: "
                            + e.getMessage(),
                    e);
        }
    }

    private void begin(Database.Opened opened) throws SQLException {
        long now = clock.millis();
        List<String> damaged = database.damaged();
        if (!damaged.isEmpty()) {
            LOG.error(
                    "a damaged database was set aside in {} as {}: look at it, then move it away",
                    settings.stateDir(),
                    damaged);
        }
        ledger.configure(settings.lanes(), now);
        if (opened.begun() && !damaged.isEmpty()) {
            refillFromRoots(now);
        } else if (!opened.clean()) {
            compareWithRoots();
        }
        ledger.forget(now - REMEMBERED.toMillis(), MOST_REMEMBERED, PAGE);
        connection.commit();
        applyRootChanges();
        takeInSpool();
    }

    /** Every root stands for a path that was queued when the database was lost. */
    private void refillFromRoots(long now) {
        var found = new ArrayList<StorePath>();
        roots.each(found::add);
        try {
            ledger.enqueue(found, null, now);
        } catch (SQLException e) {
            LOG.error(
                    "cannot queue what the roots in {} stand for: {}",
                    settings.rootsDir(),
                    e.toString());
        }
        LOG.warn("the new database was filled with the {} paths that have a root", found.size());
    }

    private void compareWithRoots() throws SQLException {
        long after = 0;
        List<Entry> page;
        do {
            page = ledger.unsettledAfter(after, PAGE);
            for (Entry entry : page) {
                roots.add(entry.path());
                after = entry.id();
            }
        } while (page.size() == PAGE);
        var stale = new ArrayList<StorePath>();
        roots.each(path -> {
            try {
                if (!ledger.isUnsettled(path)) {
                    stale.add(path);
                }
            } catch (SQLException e) {
                LOG.warn(
                        "cannot tell whether the root of {} is still needed: {}",
                        path,
                        e.toString());
            }
        });
        stale.forEach(roots::remove);
        roots.sync();
    }

    /**
     * Runs a task in a transaction and returns its result after the commit.
     *
     * @throws QueueException when it could not be committed: nothing of it has happened
     * @throws InterruptedException when the caller is to stop; the task may happen all the same
     */
    public <T> T call(Task<T> task) throws QueueException, InterruptedException {
        var job = new Job<>(task, new CompletableFuture<T>());
        jobs.add(job);
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

    /** What is wrong with the folder of the roots, or null. */
    public @Nullable String rootsProblem() {
        return roots.problem();
    }

    /** Damaged databases that were set aside and not yet moved away by an operator. */
    public List<String> damaged() {
        return database.damaged();
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
                if (group.remove(CLOSE)) {
                    runShared(group);
                    return;
                }
                runShared(group);
                takeInSpool();
            }
        } catch (InterruptedException e) {
            LOG.debug("the queue's thread was interrupted");
        } catch (RuntimeException | Error e) {
            fatal.accept(e);
        } finally {
            var closed = new SQLException("the queue is closed");
            group.forEach(job -> job.answer().completeExceptionally(closed));
            jobs.forEach(job -> job.answer().completeExceptionally(closed));
        }
    }

    private static final Job<Boolean> CLOSE = new Job<>(ledger -> true, new CompletableFuture<>());

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
        var answers = new ArrayList<Runnable>(group.size());
        try {
            for (Job<?> job : group) {
                answers.add(job.run(ledger));
            }
            connection.commit();
        } catch (SQLException e) {
            rollBack();
            if (Database.isDamage(e)) {
                fatal.accept(e);
            }
            return e;
        } catch (RuntimeException e) {
            rollBack();
            return new SQLException("a bug: " + e, e);
        }
        applyRootChanges();
        answers.forEach(Runnable::run);
        if (ledger.takeChanged()) {
            wake();
        }
        return null;
    }

    private void rollBack() {
        ledger.takeRootChanges();
        ledger.takeChanged();
        try {
            connection.rollback();
        } catch (SQLException e) {
            LOG.error("cannot roll back: {}", e.toString());
        }
    }

    private void applyRootChanges() {
        List<Ledger.RootChange> pending = ledger.takeRootChanges();
        for (Ledger.RootChange change : pending) {
            if (change.add()) {
                roots.add(change.path());
            } else {
                roots.remove(change.path());
            }
        }
        if (!pending.isEmpty()) {
            roots.sync();
        }
    }

    private void takeInSpool() {
        for (Spool.Batch batch : spool.waiting()) {
            var job =
                    new Job<>(
                            ledger -> ledger.enqueue(batch.paths(), null, clock.millis()),
                            new CompletableFuture<Receipt>());
            SQLException failure = tryTogether(List.of(job));
            if (failure != null) {
                LOG.error(
                        "cannot take in the spool file {}: {}", batch.file(), failure.getMessage());
                return;
            }
            LOG.info(
                    "took in {} paths from the spool file {}",
                    batch.paths().size(),
                    batch.file().getFileName());
            spool.done(batch);
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
            ledger.closedCleanly();
            connection.commit();
            ledger.close();
            connection.close();
        } catch (SQLException e) {
            LOG.error("cannot close the database cleanly: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
