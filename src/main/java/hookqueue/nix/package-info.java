/** Builds the arguments of {@code nix}, and parses its output. Pure: it starts no process. */
@NullMarked
package hookqueue.nix;

import org.jspecify.annotations.NullMarked;
