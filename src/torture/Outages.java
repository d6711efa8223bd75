import com.google.gson.JsonObject;
import hookqueue.testkit.FakeNix;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The behaviour of each destination, and how many paths an outage may fail. A path is blamed when its destination took
 * other paths before and after it failed. So an outage between two deliveries looks like at most three bad paths (see
 * DeliveryPolicy). In these scripts a path fails when it is blamed once. So each outage that has ended may have failed
 * three paths, which need a retry. A full destination takes paths that it has, as a proof, and may fail three more before
 * its end. If more have failed, an outage counts as attempts.
 */
final class Outages {
    private static final int BLAMED_FOR_ONE = 3;

    private final ScriptRun run;
    private final Map<String, FakeNix.Mode> modes = new HashMap<>();
    private final Map<String, Integer> counted = new HashMap<>();
    private final Map<String, Set<String>> blamed = new HashMap<>();

    Outages(ScriptRun run) {
        this.run = run;
    }

    /** A destination is down from now on. A worker listens. */
    void begin(String destination) throws IOException {
        turn(destination, FakeNix.Mode.DOWN);
        run.worker.listen();
    }

    void turn(String destination, FakeNix.Mode mode) throws IOException {
        if (modes.getOrDefault(destination, FakeNix.Mode.UP).fails() && !mode.fails()) {
            if (run.worker.alive()) {
                try {
                    blamed(ScriptRun.parse(run.worker.linesOfThis("failed json")));
                } catch (IOException e) {
                    // The worker cannot answer now. The final check looks again.
                }
            }
            count(destination);
        }
        if (mode == FakeNix.Mode.FULL) {
            count(destination);
        }
        modes.put(destination, mode);
        run.nix.set(destination, mode);
    }

    /** Counts the end of a wrong URL as the end of an outage. */
    void corrected(String destination) {
        count(destination);
    }

    private void count(String destination) {
        counted.merge(destination, 1, Integer::sum);
    }

    /** Ends all outages. Returns how the destinations were. */
    Map<String, FakeNix.Mode> end() throws IOException {
        var before = Map.copyOf(modes);
        for (String destination : Destinations.ALL) {
            turn(destination, FakeNix.Mode.UP);
        }
        return before;
    }

    /** The failed paths that no destination refuses and that are in the store. Too many are a breach. */
    List<String> blamed(List<JsonObject> failed) {
        List<JsonObject> unexplained = failed.stream().filter(entry -> !isPathsFault(entry)).toList();
        for (JsonObject entry : unexplained) {
            String destination = run.destination(entry);
            Set<String> all = blamed.computeIfAbsent(destination, name -> new LinkedHashSet<>());
            all.add(entry.get("path").getAsString());
            int outages = counted.getOrDefault(destination, 0);
            if (all.size() > BLAMED_FOR_ONE * outages) {
                run.breach("after %d outages of %s these paths have failed: %s".formatted(outages, destination, all));
            }
        }
        return unexplained.stream().map(entry -> entry.get("path").getAsString()).toList();
    }

    private static boolean isPathsFault(JsonObject entry) {
        String reason = entry.has("reason") ? entry.get("reason").getAsString() : "";
        return reason.contains("refuses") || reason.contains("in the local store");
    }
}
