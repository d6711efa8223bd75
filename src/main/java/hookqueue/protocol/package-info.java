/**
 * The listening sockets that systemd owns, and the line protocol spoken on them.
 *
 * <p>The main thread is the {@link hookqueue.protocol.Listener}: it alone accepts, and it alone
 * decides that nobody is there any more, so no connection can fall between the two. Each connection
 * has a thread of its own that reads lines, has them answered and writes the replies. A client that
 * breaks a rule is told so; one that vanishes or never reads loses nothing of what it sent.
 *
 * <p>{@link hookqueue.protocol.Request} turns bytes into values and is pure. What a request means
 * is not known here: {@link hookqueue.protocol.RequestHandler} is handed in.
 */
@NullMarked
package hookqueue.protocol;

import org.jspecify.annotations.NullMarked;
