/**
 * The listening sockets that systemd owns, and the line protocol spoken on them.
 *
 * <p>The main thread is the {@link hookqueue.protocol.Listener}: it alone accepts connections and
 * decides to exit, so no connection is lost between the two. Each connection has its own thread,
 * which reads lines, calls the handler and writes the replies. A client that breaks a rule gets an
 * error; a client that disconnects or never reads loses nothing it sent.
 *
 * <p>{@link hookqueue.protocol.Request} turns bytes into values and is pure. A {@link
 * hookqueue.protocol.RequestHandler}, which the caller passes in, gives requests their meaning.
 */
@NullMarked
package hookqueue.protocol;

import org.jspecify.annotations.NullMarked;
