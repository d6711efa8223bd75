package hookqueue.queue;

import hookqueue.roots.GcRootThread;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code queue}: runs tasks against the database, many in one commit.
 *
 * <pre>
 *   task, task, task ─► 1 BEGIN, each task, COMMIT (synced) ─► 2 {@link GcRootThread}: roots, synced ─► 3 callers answered
 *                          └─ one throws: ROLLBACK, then each task alone     └─ meanwhile 1 of the next transaction
 * </pre>
 *
 * <p>This order is why a {@code kill -9} at any time loses nothing:
 *
 * <ul>
 *   <li>Killed before 1 ends: nothing happened, and the caller has no answer. The hook spools.
 *   <li>Killed between 1 and 2: the path is in the database without a root, not acknowledged. The
 *       database was not closed, so the next worker compares the rows with the roots ({@link
 *       RootReconciliation}) and makes the missing ones.
 *   <li>Killed between 2 and 3: queued, rooted, not acknowledged. The hook spools it as well.
 *       Queueing it twice changes nothing, unless it was delivered meanwhile: then it is delivered
 *       once more.
 *   <li>A lane deletes a delivery's row after the child process has succeeded. Killed in between,
 *       the batch runs once more.
 *   <li>A root is removed only in 2, after the last delivery's row. Killed in between, the next
 *       worker finds a root whose path is settled, and removes it.
 *   <li>A spool file is removed after 3. Killed before, the next worker takes it in twice.
 * </ul>
 *
 * <p>When the database seems damaged the thread ends: it commits and answers nothing more.
 */
final class Writer {
    private static final Logger LOG = LoggerFactory.getLogger(Writer.class);
    private static final int SHARED = 256;

    private final QueueTransaction transaction;
    private final GcRootThread roots;
    private final ChangeSignal changes;
    private final Consumer<Throwable> fatal;
    private final LinkedBlockingQueue<Job<?>> jobs = new LinkedBlockingQueue<>();
    private final Thread thread = new Thread(this::serve, "queue");

    private volatile boolean ended;

    /**
     * Why the database seems damaged. This thread writes it, others read it once {@link #ended}.
     */
    private @Nullable SQLException damage;

    /** Whether the thread ended in the middle of a transaction. Same rule for threads. */
    private boolean broken;

    /**
     * Not a record: the writer finds {@link #CLOSE} by identity, and a record's first equals costs
     * 20 ms.
     */
    private static final class Job<T> {
        private final Queue.Task<T> task;
        private final CompletableFuture<T> answer = new CompletableFuture<>();
        private @Nullable T result;

        Job(Queue.Task<T> task) {
            this.task = task;
        }

        void run(QueueTransaction transaction) throws SQLException {
            result = task.run(transaction);
        }

        void answer() {
            answer.complete(result);
        }

        void fail(SQLException reason) {
            answer.completeExceptionally(reason);
        }
    }

    private static final Job<Boolean> CLOSE = new Job<>(transaction -> true);

    Writer(
            QueueTransaction transaction,
            GcRootThread roots,
            ChangeSignal changes,
            Consumer<Throwable> fatal) {
        this.transaction = transaction;
        this.roots = roots;
        this.changes = changes;
        this.fatal = fatal;
    }

    void start() {
        thread.start();
    }

    <T> Queue.Submitted<T> submit(Queue.Task<T> task) {
        var job = new Job<>(task);
        jobs.add(job);
        if (ended) { // no thread takes it from the queue any more
            job.fail(closed());
        }
        return () -> await(job);
    }

    private static <T> T await(Job<T> job) throws QueueException, InterruptedException {
        try {
            return job.answer.get();
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNull(e.getCause());
            throw new QueueException("the queue's database: " + cause.getMessage(), cause);
        }
    }

    void close() throws InterruptedException {
        jobs.add(CLOSE);
        thread.join();
    }

    @Nullable SQLException damage() {
        return damage;
    }

    boolean broken() {
        return broken;
    }

    private void serve() {
        var group = new ArrayList<Job<?>>(SHARED);
        try {
            boolean last = false;
            while (!last && damage == null) {
                group.add(jobs.take());
                jobs.drainTo(group, SHARED - 1);
                last = group.remove(CLOSE);
                runShared(group);
                group.clear(); // the thread roots answers them, also after this thread's end
            }
        } catch (InterruptedException e) {
            LOG.debug("the queue's thread was interrupted");
        } catch (RuntimeException | Error e) {
            broken = true;
            fatal.accept(e);
        } finally {
            ended = true;
            group.forEach(job -> job.fail(closed()));
            jobs.forEach(job -> job.fail(closed()));
        }
    }

    private SQLException closed() {
        return new SQLException(
                damage == null
                        ? "the queue is closed"
                        : "it seems to be damaged, and the worker ends");
    }

    private void runShared(List<Job<?>> group) {
        SQLException failure = tryTogether(group);
        if (failure == null) {
            return;
        }
        for (Job<?> job : group) {
            if (group.size() > 1 && damage == null) {
                failure = tryTogether(List.of(job));
            }
            if (failure != null) {
                job.fail(failure);
            }
        }
    }

    /** Returns null if all tasks were committed and answered. Otherwise none had an effect. */
    private @Nullable SQLException tryTogether(List<Job<?>> group) {
        List<Job<?>> together = List.copyOf(group); // the thread reuses its own list
        Effects effects;
        try {
            for (Job<?> job : group) {
                job.run(transaction);
            }
            effects = transaction.commit();
        } catch (SQLException e) {
            transaction.rollBack();
            if (Damage.isDamage(e)) {
                damage = e;
                fatal.accept(e);
            }
            return e;
        } catch (RuntimeException e) {
            transaction.rollBack();
            return new SQLException("a bug: " + e, e);
        }
        Consumer<Boolean> after =
                made -> {
                    if (made) {
                        together.forEach(Job::answer);
                    } else {
                        together.forEach(job -> job.fail(closed()));
                    }
                    if (effects.changed()) {
                        changes.wake();
                    }
                };
        changes.queued(effects.queued());
        if (effects.roots().isEmpty()) {
            after.accept(true);
        } else {
            roots.hand(effects.roots(), jobs.isEmpty(), after);
        }
        return null;
    }
}
