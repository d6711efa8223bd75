/**
 * What operators see: {@code status}, the status line in {@code systemctl status}, metrics, the
 * journal's format.
 *
 * <p>Everything here reads the other parts and changes none of them; nothing depends on it. What
 * cannot be written (a metrics file, a notification) is logged and otherwise ignored: deliveries go
 * on.
 */
@NullMarked
package hookqueue.report;

import org.jspecify.annotations.NullMarked;
