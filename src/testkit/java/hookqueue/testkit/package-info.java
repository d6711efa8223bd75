/**
 * The tools that unit tests, integration tests, bench and torture share. A {@link
 * hookqueue.testkit.World} is a scratch folder with its own Nix store. A {@link
 * hookqueue.testkit.WorkerProcess} runs in it, and a {@link hookqueue.testkit.Client} connects to
 * that. {@link hookqueue.testkit.FakeNix} replaces Nix; {@link hookqueue.testkit.Sshd} and {@link
 * hookqueue.testkit.CacheServer} are destinations. This machine's store, settings and daemon are
 * not used.
 *
 * <p>Fakes are stricter than the real programs. A failed set-up and a wait that times out are
 * exceptions that name what is missing.
 */
package hookqueue.testkit;
