import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Wait;
import hookqueue.testkit.World;
import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Signals for the worker while it is busy. */
final class WorkerFaults {
    private final ScriptRun run;

    WorkerFaults(ScriptRun run) {
        this.run = run;
    }

    void kill(int afterMilliseconds, Random random) throws IOException {
        whileHooksCall(2, 2, random, afterMilliseconds, run.worker::kill);
    }

    void stop(int hooks, int milliseconds, boolean fillDisk, Random random) throws IOException {
        run.worker.signal("STOP");
        whileHooksCall(hooks, 1, random, milliseconds, () -> {
            if (fillDisk) {
                run.hostFaults.fillDisk();
            }
            run.worker.signal("CONT");
        });
    }

    private interface Fault {
        void begin() throws IOException;
    }

    private void whileHooksCall(int hooks, int paths, Random random, int afterMilliseconds, Fault fault) throws IOException {
        var begun = CompletableFuture.runAsync(() -> {
            World.pause(afterMilliseconds);
            try {
                fault.begin();
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        }, task -> Thread.ofPlatform().start(task));
        run.callers.hooks(hooks, paths, random);
        begun.join();
    }

    /** With a fresh worker, because only a worker without earlier faults is checked for child processes that go on. */
    void terminateWhileSending() throws IOException {
        run.settingsFaults.without("");
        if (!run.isCalm()) {
            return;
        }
        run.worker.terminate();
        run.worker.listen();
        String destination = Destinations.PARALLEL;
        run.outages.turn(destination, FakeNix.Mode.CRAWL);
        if (run.enqueue(run.model.plainPaths(10))) {
            Wait.comesTrue(Duration.ofSeconds(3),
                    () -> !run.worker.alive() || run.worker.children(destination) > 1);
            run.worker.terminate();
        }
        run.outages.turn(destination, FakeNix.Mode.UP);
    }
}
