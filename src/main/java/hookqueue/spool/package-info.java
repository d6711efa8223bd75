/**
 * The spool: the folder where the hook leaves paths that it could not hand over to a worker.
 *
 * <p>{@link hookqueue.spool.SpoolIntake} takes paths out of it and queues them, on the thread of
 * its caller. A file is deleted only after its paths are committed and rooted; a file that is no
 * list of store paths is kept under another name and reported.
 */
@NullMarked
package hookqueue.spool;

import org.jspecify.annotations.NullMarked;
