/**
 * Values that every other package uses: store paths, durations, sizes, sanitized text.
 *
 * <p>Immutable, no I/O, no thread, no dependency. Text that breaks a rule is an {@link
 * IllegalArgumentException} whose message names the value and the rule and is safe to print.
 */
@NullMarked
package hookqueue.base;

import org.jspecify.annotations.NullMarked;
