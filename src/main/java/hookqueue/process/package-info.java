/**
 * Child processes: how one is started, watched, read and ended.
 *
 * <p>The thread that wants a child runs it; one more thread reads its output while it lives.
 * Interrupting the caller ends the child. How a child ended is a value; nothing here decides what
 * to do about it. No shell, no standard input, bounded memory whatever the child writes, and no
 * descendant left running afterwards.
 */
@NullMarked
package hookqueue.process;

import org.jspecify.annotations.NullMarked;
