import hookqueue.testkit.FakeNix;
import hookqueue.testkit.World;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Destinations that lose what they had, and transfers that are slow or stand still. */
final class DestinationFaults {
    private final Run run;

    DestinationFaults(Run run) {
        this.run = run;
    }

    /**
     * Only a path that the worker has done with: one that is queued already stays where it is when it is queued again, also
     * for a destination that has taken and then lost it.
     */
    void lose(Step.Lose step) throws IOException {
        run.repeats = true;
        String dependency = run.model.dependency();
        String path = run.model.dependent(dependency);
        run.listen();
        if (!run.enqueue(path)) {
            return;
        }
        run.ask("resume");
        run.answer("wait timeout=3s " + path);
        if (run.isListed(path) || !run.nix.has(step.lane(), path)) {
            return;
        }
        String lost = step.dependency() ? dependency : path;
        run.nix.lose(step.lane(), lost);
        run.model.lose(step.lane(), lost);
        String next = step.dependency() ? run.model.dependent(dependency) : path;
        run.enqueue(next);
    }

    /** What the child then says of the path is about a delivery that nobody wants any more. */
    void loseInFlight(String lane) throws IOException {
        run.repeats = true;
        if (!run.isCalm()) {
            return;
        }
        run.outages.turn(lane, FakeNix.Mode.LINGER);
        String path = run.model.plainPath();
        if (run.enqueue(path) && arrives(lane, path, 5)) {
            run.nix.lose(lane, path);
            run.model.lose(lane, path);
            run.model.drop(path);
            if (run.ask("drop " + path)) {
                run.enqueue(path);
            }
        }
        run.ask("wait timeout=2s");
        run.outages.turn(lane, FakeNix.Mode.UP);
    }

    void derivations() throws IOException {
        if (!Run.REAL_NIX.isEmpty()) {
            return; // what it would take for one has to be one
        }
        List<String> paths = List.of(run.model.derivation(), run.model.plainPath(), run.model.derivation());
        run.listen();
        run.enqueue(paths);
    }

    /** With nothing else to do, the path is there in 4 s, unless its child is ended after the stall timeout. */
    void crawl(String lane) throws IOException {
        if (!run.isCalm()) {
            return;
        }
        run.outages.turn(lane, FakeNix.Mode.CRAWL);
        String path = run.model.plainPath();
        if (run.model.owes(path, lane) && run.enqueue(path) && !arrives(lane, path, 20) && run.isListed(path)) {
            run.breach("%s has not arrived at %s over a link that is slow, but moves: %s"
                    .formatted(path, lane, run.lines("list").stream().filter(line -> line.contains(path)).toList()));
        }
        run.outages.turn(lane, FakeNix.Mode.UP);
    }

    private boolean arrives(String lane, String path, int seconds) {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (!run.nix.has(lane, path)) {
            if (System.nanoTime() > end || !run.queue().alive()) {
                return false;
            }
            World.pause(20);
        }
        return true;
    }

    /** The worker ends the child, whatever it says. */
    void stuck(String lane) throws IOException {
        if (!run.isCalm()) {
            return;
        }
        Optional<ProcessHandle> before = run.nix.stuck();
        run.outages.turn(lane, FakeNix.Mode.STUCK);
        String path = run.model.plainPath();
        if (run.model.owes(path, lane) && run.enqueue(path)) {
            try {
                World.eventually(Duration.ofSeconds(5), "a child that is stuck",
                        () -> !run.nix.stuck().equals(before) || !run.queue().alive());
                Optional<ProcessHandle> child = run.nix.stuck();
                World.eventually(Duration.ofSeconds(15), "the end of a child that does not move",
                        () -> !child.map(ProcessHandle::isAlive).orElse(false));
            } catch (AssertionError e) {
                run.breach("a child that does not move: " + e.getMessage());
            }
        }
        run.outages.turn(lane, FakeNix.Mode.UP);
    }
}
