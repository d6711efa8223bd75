import com.google.gson.JsonObject;
import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How the destinations are, and whom their outages may be blamed on. A path is blamed when its destination took others
 * before and after it failed. From that it follows that an outage between two deliveries of one round looks like bad
 * paths, three of them at most (see Round): in these scripts a path fails when it is blamed once, so that up to three are
 * failed for each outage that has ended, and have to be retried. More than that would be attempts used up by an outage.
 */
final class Outages {
    private static final int BLAMED_FOR_ONE = 3;

    private final Run run;
    private final Map<String, FakeNix.Mode> modes = new HashMap<>();
    private final Map<String, Integer> ended = new HashMap<>();
    private final Map<String, Set<String>> blamed = new HashMap<>();

    Outages(Run run) {
        this.run = run;
    }

    void turn(String lane, FakeNix.Mode mode) throws IOException {
        if (modes.getOrDefault(lane, FakeNix.Mode.UP).fails() && !mode.fails()) {
            if (run.queue().alive()) {
                try {
                    blamed(run.queue().lines("failed json"));
                } catch (IOException e) {
                    // It cannot answer now. What has failed is looked at once more at the end.
                }
            }
            ended.merge(lane, 1, Integer::sum);
        }
        modes.put(lane, mode);
        run.nix.set(lane, mode);
    }

    /** One that was no more than a wrong URL has ended. */
    void corrected(String lane) {
        ended.merge(lane, 1, Integer::sum);
    }

    /** All outages end. Returns how it was. */
    Map<String, FakeNix.Mode> end() throws IOException {
        var before = Map.copyOf(modes);
        for (String lane : Destinations.ALL) {
            turn(lane, FakeNix.Mode.UP);
        }
        return before;
    }

    /** Those of the failed that nobody refuses and that have not vanished. More than can be explained are a breach. */
    List<String> blamed(List<String> failed) throws IOException {
        var paths = new ArrayList<String>();
        for (String line : failed) {
            JsonObject entry = line.startsWith("{") ? Json.object(line) : null;
            if (entry != null && !isTheirFault(entry)) {
                String lane = run.lane(entry.get("lane").getAsString());
                paths.add(entry.get("path").getAsString());
                Set<String> all = blamed.computeIfAbsent(lane, name -> new LinkedHashSet<>());
                all.add(entry.get("path").getAsString());
                if (all.size() > BLAMED_FOR_ONE * ended.getOrDefault(lane, 0)) {
                    run.breach("after %d outages of %s these have failed for them: %s"
                            .formatted(ended.getOrDefault(lane, 0), lane, all));
                }
            }
        }
        return paths;
    }

    private static boolean isTheirFault(JsonObject entry) {
        String reason = entry.has("reason") ? entry.get("reason").getAsString() : "";
        return reason.contains("refuses") || reason.contains("in the local store");
    }
}
