/**
 * The worker's interface to systemd: the sockets it inherits, the notifications it sends, the
 * format of its log lines in the journal.
 *
 * <p>Outside systemd a notification goes nowhere and log lines have no priority prefix. A failed
 * notification is logged and ignored, because deliveries do not depend on it.
 */
@NullMarked
package hookqueue.systemd;

import org.jspecify.annotations.NullMarked;
