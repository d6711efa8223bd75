/**
 * What the worker asks of {@code nix}, and how it reads Nix's log. Pure: it builds arguments and
 * parses lines, and starts no process.
 */
@NullMarked
package hookqueue.nix;

import org.jspecify.annotations.NullMarked;
