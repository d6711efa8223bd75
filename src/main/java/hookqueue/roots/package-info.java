/**
 * The garbage collector roots of queued paths: one symlink for each path.
 *
 * <p>The thread {@code roots} makes and removes them in the order in which their rows were
 * committed. A root that cannot be made is remembered as a problem and reported; the path stays
 * queued. Which paths need a root is not known here: {@link hookqueue.queue.RootReconciliation}
 * compares roots and rows.
 */
@NullMarked
package hookqueue.roots;

import org.jspecify.annotations.NullMarked;
