import hookqueue.testkit.FakeNix;

/** One thing that is done to a queue, or that befalls it. */
sealed interface Step {
    /** The real hook, so many at once, with so many paths each. */
    record Hooks(int atOnce, int paths, long seed) implements Step {}

    /** One line with so many paths, by a client that waits for the answer. */
    record Line(int paths, long seed) implements Step {}

    /** So many clients that each queue a path and go without hearing the answer. */
    record Clients(int count, long seed) implements Step {}

    /** So many hooks, which are killed with all that they have started after so many milliseconds. */
    record HooksKilled(int atOnce, int afterMilliseconds, long seed) implements Step {}

    /** So many paths with a tag, and somebody who waits for them; unless it is empty, a destination is down meanwhile, alone. */
    record Await(int paths, String down, long seed) implements Step {}

    /** A path waits for a destination that is down, a new destination comes, and the path is queued again. */
    record NewDestination() implements Step {}

    /** A path that was offered before is dropped. */
    record Drop(long seed) implements Step {}

    /** The folder for roots is gone from now on, and a path that will fail is queued; or it is there again. */
    record Unrooted(boolean gone) implements Step {}

    /** Paths that were offered before are queued once more. */
    record Repeat(long seed) implements Step {}

    record Destination(String lane, FakeNix.Mode mode) implements Step {}

    /** SIGKILL for the worker, so many milliseconds from now, while hooks call it. */
    record Kill(int afterMilliseconds) implements Step {}

    record Terminate() implements Step {}

    /** SIGTERM while one lane has several child processes. */
    record TerminateWhileSending() implements Step {}

    /** SIGSTOP, hooks meanwhile, SIGCONT; where the disk is small, every other time it is full by then. */
    record Stopped(int hooks, int milliseconds, long seed) implements Step {}

    /** A listener again, if there is none: as systemd does at once, but here only now and then, so that hooks spool. */
    record Listen() implements Step {}

    /** A path disappears from the store. */
    record Vanish(long seed) implements Step {}

    /** What has no root disappears, as when Nix collects garbage. */
    record Collect() implements Step {}

    /** A destination is down, a path waits for it, and nobody calls for longer than the idle timeout. */
    record Alone(String lane) implements Step {}

    /** SIGTERM, and from then on without a destination, or with all of them when it is empty. */
    record Without(String lane) implements Step {}

    /** SIGTERM, and from then on with a filter that excludes some paths, or without. */
    record Filter(boolean on) implements Step {}

    /** SIGTERM, and from then on with a key to sign with, or without. */
    record Signing(boolean on) implements Step {}

    /** The clock is set, by so many minutes from what it is; the worker and its hooks and children see it at once. */
    record Clock(int minutes) implements Step {}

    /** The disk answers with EIO from now on, whatever is read, written, made, removed or synced; or does so no more. */
    record Sick(boolean disk) implements Step {}

    /** A worker lives and knows, and for a moment its disk answers with EIO, whatever it is asked. */
    record SickForAMoment(long seed) implements Step {}

    /** While a destination is down, which is noticed, the clock is ten hours ahead; then it is right. */
    record ClockSetBack(String lane) implements Step {}

    /** Something in the spool that no hook has left. */
    record SpoolLitter(int kind) implements Step {}

    /** The worker is killed, and its database damaged in one of several ways. */
    record DamageDatabase(int kind, long seed) implements Step {}

    /** The disk of the state directory is full from now on; or, after a SIGKILL for the worker, can only be read. */
    record Disk(boolean full) implements Step {}

    /** A word of the protocol; an error for an answer is no fault. */
    record Ask(String line) implements Step {}

    record Rest(int milliseconds) implements Step {}

    /** SIGTERM, and from then on another setting. */
    record BatchSize(int paths) implements Step {}

    /** A destination loses a path that it got, or what that path needs; then the path, or another that needs it, is queued. */
    record Lose(String lane, boolean dependency) implements Step {}

    /** A destination loses a path before the child that brought it has ended; the path is dropped and queued again. */
    record LoseInFlight(String lane) implements Step {}

    /** Derivations are queued, with paths that are none. */
    record Derivations() implements Step {}

    /** A transfer takes longer than the stall timeout, and moves. */
    record Crawl(String lane) implements Step {}

    /** A transfer does not move, and says that it is there. */
    record Stuck(String lane) implements Step {}

    /** SIGTERM, and from then on a wrong URL for a destination; paths are queued; SIGTERM, and the URL is corrected. */
    record Mistyped(String lane, long seed) implements Step {}

    /** SIGTERM, and from then on a destination has a name, or none again. */
    record Renamed(String lane) implements Step {}

    /** A destination is taken out of the settings while a path waits for it alone, is dropped, and comes back. */
    record Retired() implements Step {}

    /** 64 clients wait while hooks call. */
    record Waiters(long seed) implements Step {}
}
