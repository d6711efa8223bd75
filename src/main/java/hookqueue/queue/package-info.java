/**
 * What is to be delivered, on disk: a SQLite database, a garbage collector root for every path in
 * it, and the spool where the hook leaves what it could not hand over.
 *
 * <p>One thread, {@code queue}, owns the database and the spool, another, {@code roots}, the roots;
 * all others hand the first {@linkplain hookqueue.queue.Queue.Task tasks} and wait. Tasks that wait
 * together share one commit, and every caller is answered after it. When a commit fails nothing of
 * it has happened and each caller gets a {@link hookqueue.queue.QueueException}. A damaged database
 * is set aside and a new one is filled from the roots.
 *
 * <p>It does not know how a path is delivered, nor when a failure is a path's own fault: it records
 * verdicts.
 */
@NullMarked
package hookqueue.queue;

import org.jspecify.annotations.NullMarked;
