/**
 * The worker as a whole: reads the settings, wires the parts together, starts and ends them in
 * order.
 *
 * <pre>
 *   intake ──► queue ◄── delivery ──► nix          report looks at queue and delivery;
 *      ▲ answers                                   everybody knows base;
 *      └── here: Verbs ──► queue, delivery, report nobody knows this package
 * </pre>
 *
 * {@link hookqueue.Main} alone ends the process, with one of {@link hookqueue.Exit}'s codes.
 */
@NullMarked
package hookqueue;

import org.jspecify.annotations.NullMarked;
