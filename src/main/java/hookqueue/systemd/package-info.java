/**
 * The worker's interface to systemd: the sockets it inherits, the notifications it sends, the
 * format and the fields of its log messages in the journal.
 *
 * <p>Outside systemd a notification goes nowhere and log lines have no priority prefix. A message
 * that the journal's socket does not take is a line of standard error. A failed notification is
 * logged and ignored, because deliveries do not depend on it.
 */
@NullMarked
package hookqueue.systemd;

import org.jspecify.annotations.NullMarked;
