/**
 * The door to other programs: what is asked of {@code nix}, how a child process is run, what its
 * log says.
 *
 * <p>A child is run by the thread that wants it done; one more thread reads its output while it
 * lives. Interrupting the caller ends the child. How a child ended is a value; nothing here decides
 * what to do about it. No shell, no standard input, bounded memory whatever the child writes, and
 * nothing of it left running afterwards.
 */
@NullMarked
package hookqueue.nix;

import org.jspecify.annotations.NullMarked;
