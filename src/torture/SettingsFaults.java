import hookqueue.testkit.FakeNix;
import java.io.IOException;
import java.util.List;
import java.util.Random;

/** Changed settings. Each change needs a restart of the worker. Paths that wait for a destination must still arrive. */
final class SettingsFaults {
    private final ScriptRun run;
    private boolean filters;
    private boolean signs;

    /** Whether nothing may be delivered without a signature. */
    private boolean alwaysSigns;

    SettingsFaults(ScriptRun run, boolean signs) {
        this.run = run;
        this.signs = signs;
        alwaysSigns = signs;
        applySigning();
    }

    boolean alwaysSigns() {
        return alwaysSigns;
    }

    void sign(boolean on) throws IOException {
        if (on != signs) {
            run.worker.terminate();
            signs = on;
            alwaysSigns = false;
            applySigning();
        }
    }

    private void applySigning() {
        apply("NPBHQ_SIGNING_PRIVATE_KEY_PATH", signs, run.world.key);
    }

    void filter(boolean on) throws IOException {
        if (on != filters) {
            run.worker.terminate();
            filters = on;
            if (on) {
                run.model.filtered();
            }
            apply("NPBHQ_EXCLUDE", on, Model.EXCLUDED);
        }
    }

    private void apply(String setting, boolean on, Object value) {
        if (on) {
            run.world.set(setting, value);
        } else {
            run.world.unset(setting);
        }
    }

    void batchSize(int paths) throws IOException {
        run.worker.terminate();
        run.world.set("NPBHQ_BATCH_SIZE", paths);
    }

    void without(String destination) throws IOException {
        if (!destination.equals(run.destinations.without())) {
            run.worker.terminate();
            run.destinations.without(destination);
            run.model.removedDestination(!destination.isEmpty(), run.countsAreLost);
        }
    }

    /** Paths that are queued for the wrong URL go to the corrected one, as do paths that were queued before. */
    void mistype(String destination, Random random) throws IOException {
        run.repeats = true;
        without("");
        run.nix.set(Destinations.typo(destination), FakeNix.Mode.DOWN);
        run.worker.terminate();
        run.destinations.mistype(destination);
        run.worker.listen();
        run.callers.hooks(2, 2, random);
        run.worker.ask("wait timeout=300ms");
        run.worker.terminate();
        run.destinations.mistype("");
        if (run.destinations.isNamed(destination)) {
            run.outages.corrected(destination); // the name is the same, so for the worker it was an outage
        }
        run.worker.listen();
        // A worker must see the corrected URL before the next change. Otherwise it sees one change from this to the next,
        // and moves the paths of a destination that the next one removes to the corrected URL, as to any added destination.
        run.worker.ask("version");
    }

    void rename(String destination) throws IOException {
        run.repeats = true;
        without("");
        run.worker.terminate();
        run.destinations.rename(destination);
        run.worker.listen();
        run.worker.ask("version");
    }

    /** A path that only a removed destination needs is reported by `status` and `retry`, until a client drops it. */
    void retire() throws IOException {
        run.repeats = true;
        without("");
        boolean calm = run.isCalm();
        String destination = Destinations.REMOVED_AT_TIMES;
        run.outages.begin(destination);
        String path = run.model.plainPath();
        if (run.enqueue(path)) {
            run.worker.ask("wait timeout=500ms");
            without(destination);
            run.worker.answer("wait timeout=3s " + path);
            String drop = "destination=" + run.destinations.lane(destination);
            if (calm && isOnlyAt(destination, path)) {
                String answer = run.worker.answer("retry " + path);
                if (answer.startsWith("ok")) {
                    run.breach("retry says %s of %s, which only a removed destination waits for".formatted(answer, path));
                }
                if (run.worker.lines("status").stream().noneMatch(line -> line.contains(drop))) {
                    run.breach("status does not say that %s waits for a removed destination".formatted(path));
                }
            }
            run.worker.listen();
            run.model.retire();
            if (run.worker.ask("drop " + drop) && calm && isOnlyAt(destination, path)) {
                run.breach(path + " is still listed for a removed destination that was dropped");
            }
        }
        run.outages.turn(destination, FakeNix.Mode.UP);
        without("");
    }

    private boolean isOnlyAt(String destination, String path) throws IOException {
        List<String> lanes = run.entries("list json").stream()
                .filter(entry -> entry.get("path").getAsString().equals(path))
                .map(run::destination)
                .toList();
        return lanes.equals(List.of(destination));
    }
}
