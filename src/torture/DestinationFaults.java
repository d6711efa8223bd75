import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.Wait;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Destinations that lose paths, and transfers that are slow or stall. */
final class DestinationFaults {
    private final ScriptRun run;

    DestinationFaults(ScriptRun run) {
        this.run = run;
    }

    /**
     * A destination loses a path or its dependency after the path is settled. The next upload must restore it. (A path that
     * is still queued stays delivered where it was, also when it is queued again.)
     */
    void lose(String destination, boolean loseDependency) throws IOException {
        run.repeats = true;
        String dependency = run.model.dependency();
        String path = run.model.dependent(dependency);
        run.worker.listen();
        if (!run.enqueue(path)) {
            return;
        }
        run.worker.ask("resume");
        run.worker.answer("wait timeout=3s " + path);
        if (run.isListed(path) || !run.nix.has(destination, path)) {
            return;
        }
        lose(destination, loseDependency ? dependency : path);
        run.enqueue(loseDependency ? run.model.dependent(dependency) : path);
    }

    private void lose(String destination, String path) throws IOException {
        run.nix.lose(destination, path);
        run.model.lose(destination, path);
    }

    /** The path is dropped and queued again, so the child process reports on a delivery that is outdated. */
    void loseInFlight(String destination) throws IOException {
        run.repeats = true;
        if (!run.isCalm()) {
            return;
        }
        run.outages.turn(destination, FakeNix.Mode.LINGER);
        String path = run.model.plainPath();
        if (run.enqueue(path) && arrives(destination, path, Duration.ofSeconds(5))) {
            lose(destination, path);
            run.model.drop(path);
            if (run.worker.ask("drop " + path)) {
                run.enqueue(path);
            }
        }
        run.worker.ask("wait timeout=2s");
        run.outages.turn(destination, FakeNix.Mode.UP);
    }

    void derivations() throws IOException {
        if (ScriptRun.REAL_NIX.isEmpty()) { // the model's derivations are not real
            run.worker.listen();
            run.enqueue(List.of(run.model.derivation(), run.model.plainPath(), run.model.derivation()));
        }
    }

    /** With no other work the path arrives within 4 s, unless the worker stops the child after the stall timeout. */
    void crawl(String destination) throws IOException {
        if (!run.isCalm()) {
            return;
        }
        run.outages.turn(destination, FakeNix.Mode.CRAWL);
        String path = run.model.plainPath();
        if (run.model.owes(path, destination) && run.enqueue(path)
                && !arrives(destination, path, Duration.ofSeconds(20)) && run.isListed(path)) {
            run.breach("%s has not arrived at %s over a slow link: %s".formatted(path, destination, run.entries("list json")));
        }
        run.outages.turn(destination, FakeNix.Mode.UP);
    }

    private boolean arrives(String destination, String path, Duration most) {
        Wait.comesTrue(most, () -> run.nix.has(destination, path) || !run.worker.alive());
        return run.nix.has(destination, path);
    }

    /** The worker must stop the child process with its descendants, although it prints messages. */
    void stuck(String destination) throws IOException {
        if (!run.isCalm()) {
            return;
        }
        List<String> before = run.nix.stuck();
        run.outages.turn(destination, FakeNix.Mode.STUCK);
        String path = run.model.plainPath();
        if (run.model.owes(path, destination) && run.enqueue(path)) {
            if (!Wait.comesTrue(Duration.ofSeconds(5), () -> !run.nix.stuck().equals(before) || !run.worker.alive())) {
                run.breach("no child process starts for a path that is due");
            }
            List<String> processes = run.nix.stuck();
            if (!Wait.comesTrue(Duration.ofSeconds(15), () -> processes.stream().noneMatch(Leftover::runs))) {
                run.breach("a child process that makes no progress goes on");
            }
        }
        run.outages.turn(destination, FakeNix.Mode.UP);
    }
}
