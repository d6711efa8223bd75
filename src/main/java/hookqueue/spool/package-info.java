/**
 * The spool: the folder where the hook leaves paths that it could not send to a worker.
 *
 * <p>{@link hookqueue.spool.SpoolIntake} takes paths out of it and queues them, on its caller's
 * thread. A file is deleted only after its paths are committed and rooted. A malformed file is kept
 * under another name and reported.
 */
@NullMarked
package hookqueue.spool;

import org.jspecify.annotations.NullMarked;
