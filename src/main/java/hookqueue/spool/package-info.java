/**
 * The spool: the folder where the hook leaves paths that it could not hand over to a worker.
 *
 * <p>The thread {@code queue} reads it. A file is deleted only after its paths are committed and
 * rooted; a file that is no list of store paths is kept under another name and reported.
 */
@NullMarked
package hookqueue.spool;

import org.jspecify.annotations.NullMarked;
