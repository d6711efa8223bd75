import hookqueue.testkit.FakeNix;
import java.io.IOException;
import java.util.List;
import java.util.Random;

/** Destinations that change in the settings while paths are on their way to them. The model does not change: they arrive. */
final class SettingsFaults {
    private final Run run;
    private final Callers callers;

    SettingsFaults(Run run, Callers callers) {
        this.run = run;
        this.callers = callers;
    }

    /** A wrong URL: what was queued meanwhile goes to the right one, as does what was queued before. */
    void mistyped(String lane, Random random) throws IOException {
        run.repeats = true;
        run.without("");
        run.nix.set(Destinations.typo(lane), FakeNix.Mode.DOWN);
        run.terminate();
        run.destinations.mistype(lane);
        run.listen();
        callers.hooks(2, 2, random);
        run.ask("wait timeout=300ms");
        run.terminate();
        run.destinations.mistype("");
        if (run.destinations.isNamed(lane)) {
            run.outages.corrected(lane); // to the worker it is the same destination, which had an outage
        }
        run.listen();
    }

    void renamed(String lane) throws IOException {
        run.repeats = true;
        run.without("");
        run.terminate();
        run.destinations.rename(lane);
        run.listen();
        run.ask("version");
    }

    /** A path for it alone is no longer on its way to anywhere, as status and retry say, until somebody drops it. */
    void retired() throws IOException {
        run.repeats = true;
        run.without("");
        boolean calm = run.isCalm();
        String lane = Model.COMES_AND_GOES;
        run.outages.turn(lane, FakeNix.Mode.DOWN);
        run.listen();
        String path = run.model.plainPath();
        if (run.enqueue(path)) {
            run.ask("wait timeout=500ms");
            run.without(lane);
            run.answer("wait timeout=3s " + path);
            if (calm && isOnlyAt(lane, path)) {
                String answer = run.answer("retry " + path);
                if (answer.startsWith("ok")) {
                    run.breach("retry says %s of %s, which only a removed destination waits for".formatted(answer, path));
                }
                String drop = "destination=" + run.destinations.lane(lane);
                if (run.lines("status").stream().noneMatch(line -> line.contains(drop))) {
                    run.breach("status does not say that %s waits for a removed destination".formatted(path));
                }
            }
            run.listen();
            run.model.retire();
            if (run.ask("drop destination=" + run.destinations.lane(lane)) && calm && isOnlyAt(lane, path)) {
                run.breach(path + " is still listed for a removed destination that was dropped");
            }
        }
        run.outages.turn(lane, FakeNix.Mode.UP);
        run.without("");
    }

    private boolean isOnlyAt(String lane, String path) throws IOException {
        String name = run.destinations.lane(lane);
        List<String> at = run.lines("list json").stream().filter(line -> line.contains("\"" + path + "\"")).toList();
        return at.size() == 1 && at.getFirst().contains("\"" + name + "\"");
    }
}
