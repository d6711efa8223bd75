/**
 * What unit tests, integration tests, bench and torture share: a {@link hookqueue.testkit.World} is
 * a scratch folder with a Nix store of its own, in which a {@link hookqueue.testkit.WorkerProcess}
 * is run, talked to by a {@link hookqueue.testkit.Client}, with a {@link hookqueue.testkit.FakeNix}
 * in the place of Nix or a {@link hookqueue.testkit.Sshd} as a destination. Nothing of this
 * machine's store, settings or daemon takes part.
 *
 * <p>A stand-in is stricter than what it stands for: it refuses what that would let pass. Whatever
 * cannot be set up, and whatever does not happen in time, is an error that says what was awaited.
 */
package hookqueue.testkit;
