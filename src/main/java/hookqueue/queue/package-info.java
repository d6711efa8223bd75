/**
 * The queue on disk: a SQLite database, and a garbage collector root for every path in it.
 *
 * <p>The thread {@code queue} owns the database ({@link hookqueue.queue.Writer}, which draws the
 * order of commit, roots and answer). The thread {@code roots} owns the roots. All other threads
 * submit {@linkplain hookqueue.queue.Queue.Task tasks} to the first one and wait. Waiting tasks
 * share one commit, and every caller is answered after it. A failed commit has no effect, and each
 * caller gets a {@link hookqueue.queue.QueueException}. A damaged database is set aside, and a new
 * one is filled from the roots.
 *
 * <p>The package does not know how a path is delivered, which paths the settings exclude, or when a
 * path is to blame for a failure: it records verdicts.
 */
@NullMarked
package hookqueue.queue;

import org.jspecify.annotations.NullMarked;
