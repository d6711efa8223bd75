/**
 * The answers to the words of the protocol, one class for each word that needs more than a line.
 *
 * <p>They run on the thread of the session that asked. They read and change the queue through
 * transactions and keep no state of their own between requests, so a client may ask again after a
 * restart of the worker. What cannot be answered becomes an {@code error} line.
 */
@NullMarked
package hookqueue.command;

import org.jspecify.annotations.NullMarked;
