/**
 * The garbage collector roots of queued paths: one symlink for each path.
 *
 * <p>The thread {@code roots} makes and removes them in the order in which their rows were
 * committed. If it cannot make a root, it remembers and reports the problem; the path stays queued.
 * The package does not know which paths need a root: {@link hookqueue.queue.RootReconciliation}
 * compares roots and rows.
 */
@NullMarked
package hookqueue.roots;

import org.jspecify.annotations.NullMarked;
