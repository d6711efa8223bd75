import hookqueue.testkit.FakeNix;
import hookqueue.testkit.World;
import java.io.IOException;
import java.util.List;

/** A fault or a request. A script draws each as often as its weight says; the step draws its own arguments. */
enum Step {
    /** Real hooks in parallel, each with several paths. */
    HOOKS(3, (run, choices) -> run.callers.hooks(choices.from(1, 8), choices.from(1, 4), choices.random())),
    /** A client queues paths in one line, and waits for the answer. */
    LINE(2, (run, choices) -> run.callers.line(choices.from(1, 40), choices.random())),
    /** Clients queue one path each, and disconnect before the answer. */
    CLIENTS(1, (run, choices) -> run.callers.disconnecting(choices.from(1, 20), choices.random())),
    /** Hooks and all that they started are killed. */
    HOOKS_KILLED(1, (run, choices) -> run.callers.killed(choices.from(1, 6), choices.from(0, 249), choices.random())),
    /** A client waits for the tag of some paths. */
    WAIT(1, (run, choices) -> run.callers.waitForTag(choices.from(1, 5), choices.random())),
    /** The same with at most three paths, while one destination is full. */
    WAIT_FOR_FULL(1, (run, choices) ->
            run.callers.waitForFull(choices.from(1, 3), choices.of(Destinations.ALL), choices.random())),
    /** Paths wait for a destination that is down, a destination is added, and the paths are queued again. */
    NEW_DESTINATION(1, (run, choices) -> run.callers.newDestination()),
    /** A client drops a path that was queued before. */
    DROP(1, (run, choices) -> run.callers.drop(choices.random())),
    /** A path that was queued before is queued again. */
    REPEAT(1, (run, choices) -> run.callers.repeat(choices.random())),
    /** More clients wait and watch than there are connections, while hooks call. */
    WAITERS(1, (run, choices) -> run.callers.waiters(choices.random())),
    /** A client pauses, resumes or retries. */
    ASK(2, (run, choices) -> run.worker.ask(choices.of(List.of("pause", "resume", "retry", "retry")))),
    /** Nothing happens. */
    REST(1, (run, choices) -> World.pause(choices.from(0, 899))),

    /** A destination changes its behaviour. */
    DESTINATION(3, (run, choices) ->
            run.outages.turn(choices.of(Destinations.ALL), choices.of(List.of(FakeNix.Mode.UP, FakeNix.Mode.SLOW,
                    FakeNix.Mode.DOWN, FakeNix.Mode.HALF, FakeNix.Mode.CRASH, FakeNix.Mode.HANG)))),
    /** A destination is down, and no client calls for longer than the idle timeout. */
    IDLE_IN_OUTAGE(1, (run, choices) -> run.callers.idleInOutage(choices.of(Destinations.ALL))),
    /** A destination loses a path. The path is queued again. */
    LOSE(1, (run, choices) -> run.destinationFaults.lose(choices.of(Destinations.STORES), false)),
    /** A destination loses a dependency. Another path that needs it is queued. */
    LOSE_DEPENDENCY(1, (run, choices) -> run.destinationFaults.lose(choices.of(Destinations.STORES), true)),
    /** A destination loses a path before the child process that sent it has ended. */
    LOSE_IN_FLIGHT(1, (run, choices) -> run.destinationFaults.loseInFlight(choices.of(Destinations.STORES))),
    /** Derivations are queued together with a path that is none. */
    DERIVATIONS(1, (run, choices) -> run.destinationFaults.derivations()),
    /** A transfer makes progress, and takes longer than the stall timeout. */
    CRAWL(1, (run, choices) -> run.destinationFaults.crawl(choices.of(Destinations.STORES))),
    /** A transfer makes no progress, and reports the same numbers over and over. */
    STUCK(1, (run, choices) -> run.destinationFaults.stuck(choices.of(Destinations.STORES))),

    /** The worker gets SIGKILL while hooks call it. */
    KILL(2, (run, choices) -> run.workerFaults.kill(choices.from(0, 299), choices.random())),
    /** The worker gets SIGTERM. */
    TERMINATE(1, (run, choices) -> run.worker.terminate()),
    /** The worker gets SIGTERM while a lane has several child processes. */
    TERMINATE_WHILE_SENDING(1, (run, choices) -> run.workerFaults.terminateWhileSending()),
    /** The worker gets SIGSTOP, then SIGCONT, while hooks call it. Where the disk is small, it may fill in between. */
    STOP(1, (run, choices) ->
            run.workerFaults.stop(choices.from(1, 3), choices.from(300, 1799), choices.flip(), choices.random())),
    /** A worker listens if none does. systemd would start one at once; here hooks have to spool before. */
    LISTEN(2, (run, choices) -> run.worker.listen()),

    /** A path disappears from the store. */
    VANISH(1, (run, choices) -> run.model.vanish(choices.random())),
    /** All unrooted paths disappear, as when Nix collects garbage. */
    COLLECT(2, (run, choices) -> run.hostFaults.collectGarbage()),
    /** The folder for roots disappears and a path that will fail is queued, or the folder comes back, or both. */
    ROOTS_FOLDER(2, (run, choices) -> run.hostFaults.rootsFolder(choices.flip(), choices.flip())),
    /** The clock jumps, for the worker, its hooks and its child processes. */
    CLOCK(1, (run, choices) -> run.hostFaults.setClock(choices.from(-600, 599))),
    /** The clock is ten hours ahead while a destination goes down, and then correct. */
    CLOCK_SET_BACK(1, (run, choices) -> run.hostFaults.setClockBack(choices.of(Destinations.ALL))),
    /** Every system call on the state directory and the roots fails with EIO from now on, or works again. */
    IO_ERRORS(2, (run, choices) -> run.hostFaults.ioErrors(choices.flip())),
    /** A running worker gets EIO for a moment. */
    IO_ERRORS_FOR_A_MOMENT(1, (run, choices) -> run.hostFaults.ioErrorsForAMoment(choices.flip(), choices.random())),
    /** Something that no hook wrote appears in the spool. */
    SPOOL_LITTER(1, (run, choices) -> run.hostFaults.litterSpool(choices.from(0, 5))),
    /** The worker is killed, and its database damaged in one of several ways. */
    DAMAGE_DATABASE(1, (run, choices) -> run.hostFaults.damageDatabase(choices.from(0, 4), choices.random())),
    /** The small disk with the state directory is full or read-only from now on. */
    DISK(1, (run, choices) -> run.hostFaults.breakDisk(choices.flip())),

    /** SIGTERM, and then a worker without one destination, or with all of them. */
    WITHOUT(2, (run, choices) ->
            run.settingsFaults.without(choices.from(0, 2) == 0 ? "" : Destinations.REMOVED_AT_TIMES)),
    /** SIGTERM, and then a worker with or without a filter that excludes some paths. */
    FILTER(2, (run, choices) -> run.settingsFaults.filter(choices.flip())),
    /** SIGTERM, and then a worker with or without a signing key. */
    SIGNING(1, (run, choices) -> run.settingsFaults.sign(choices.flip())),
    /** SIGTERM, and then a worker with another batch size. */
    BATCH_SIZE(1, (run, choices) -> run.settingsFaults.batchSize(choices.from(1, 50))),
    /** A destination has a wrong URL while paths are queued. Then the URL is corrected. */
    MISTYPED(1, (run, choices) -> run.settingsFaults.mistype(choices.of(Destinations.STORES), choices.random())),
    /** A destination gets a name in the settings, or loses it. */
    RENAMED(1, (run, choices) -> run.settingsFaults.rename(choices.of(Destinations.ALL))),
    /** A destination is removed from the settings while only it still needs a path, is dropped, and comes back. */
    RETIRED(1, (run, choices) -> run.settingsFaults.retire());

    final int weight;
    private final Action action;

    Step(int weight, Action action) {
        this.weight = weight;
        this.action = action;
    }

    /** Does the step with arguments from {@code choices}. */
    void apply(ScriptRun run, Choices choices) throws IOException {
        action.apply(run, choices);
    }

    private interface Action {
        void apply(ScriptRun run, Choices choices) throws IOException;
    }
}
