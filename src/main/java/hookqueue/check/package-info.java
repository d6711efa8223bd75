/**
 * The checks of an installation, before anything is uploaded: settings, keys, folders, Nix, the
 * hook, every destination.
 *
 * <p>They run in the worker, with its user, sandbox, credentials and environment, so they meet what
 * deliveries will meet. Each check runs on a thread of its own, ends within seconds after an
 * interrupt, says then that it has not finished, and returns findings; none throws because
 * something is wrong. They change nothing but a scratch folder below the state directory. A probe
 * of an empty binary cache may create its {@code nix-cache-info}, and the test upload adds one
 * small path.
 */
@NullMarked
package hookqueue.check;

import org.jspecify.annotations.NullMarked;
