/**
 * Child processes: how one is started, watched, read and ended.
 *
 * <p>The caller's thread runs a child; one more thread reads its output. Interrupting the caller
 * ends the child. The result is a value; the caller decides what to do about it. No shell, no
 * standard input, bounded memory for any output, and no descendant left running.
 */
@NullMarked
package hookqueue.process;

import org.jspecify.annotations.NullMarked;
