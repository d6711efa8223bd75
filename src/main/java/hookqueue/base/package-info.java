/**
 * The values that every other package speaks of: store paths, durations, sizes.
 *
 * <p>Immutable, no I/O, no thread, no dependency. Text that breaks a rule is an {@link
 * IllegalArgumentException} whose message names the value and the rule and is safe to print.
 */
@NullMarked
package hookqueue.base;

import org.jspecify.annotations.NullMarked;
