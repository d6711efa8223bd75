/**
 * The handlers of the protocol's requests: one class for each request that needs more than a few
 * lines.
 *
 * <p>They run on the session's thread, read and change the queue through transactions, and keep no
 * state between requests, so a client may ask again after a restart of the worker. A failure
 * becomes an {@code error} line.
 */
@NullMarked
package hookqueue.command;

import org.jspecify.annotations.NullMarked;
