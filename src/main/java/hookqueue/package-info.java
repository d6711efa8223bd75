/**
 * The worker as a whole: reads the settings, wires the parts together, starts and ends them in
 * order.
 *
 * <pre>
 *   systemd ─► protocol ─► command ─► queue ◄─ delivery ─► nix, process
 *                                     │  ▲        ▲
 *                                 roots  spool    report (reads queue and delivery)
 * </pre>
 *
 * {@link hookqueue.Main} alone ends the process, with one of {@link hookqueue.Exit}'s codes.
 */
@NullMarked
package hookqueue;

import org.jspecify.annotations.NullMarked;
