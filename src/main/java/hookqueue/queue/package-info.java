/**
 * What is to be delivered, on disk: a SQLite database, and a garbage collector root for every path
 * in it.
 *
 * <p>One thread, {@code queue}, owns the database ({@link hookqueue.queue.Writer}, which draws the
 * order of commit, roots and answer), another, {@code roots}, the roots; all others hand the first
 * {@linkplain hookqueue.queue.Queue.Task tasks} and wait. Tasks that wait together share one
 * commit, and every caller is answered after it. When a commit fails nothing of it has happened and
 * each caller gets a {@link hookqueue.queue.QueueException}. A damaged database is set aside and a
 * new one is filled from the roots.
 *
 * <p>It does not know how a path is delivered, which paths the settings exclude, nor when a failure
 * is a path's own fault: it records verdicts.
 */
@NullMarked
package hookqueue.queue;

import org.jspecify.annotations.NullMarked;
