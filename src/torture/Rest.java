import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Brings a healed queue to rest, and compares what is then with what the model says must be. */
final class Rest {
    private static final int LOOKS_A_WITNESS = 5;

    /** How often what comes anew is brought to rest, before a worker has nothing to do. */
    private static final int MOST_LIVES = 5;

    /** By the clock, more than the longest delay. */
    private static final int MINUTES_A_LOOK = 20;

    /** By the clock, less than what a clock may have been wrong by: then only delays go by, and no other time. */
    private static final int MOST_MINUTES = 540;

    private static final int MOST_SECONDS = 45;

    private final Run run;
    private final List<JsonObject> failed = new ArrayList<>();
    private Set<String> delivered = Set.of();

    private Rest(Run run) {
        this.run = run;
    }

    /** Breaches go to the run. */
    static void check(Run run) throws IOException {
        var rest = new Rest(run);
        rest.spoolIsTakenIn();
        rest.come();
        if (run.countsAreLost || run.model.hasStrays()) {
            // What a worker finds damaged before it ends, the next one mends; and it finds roots then, whose paths come anew.
            for (int i = 0; i < MOST_LIVES && !run.endsByItself(4 * Run.IDLE_MILLISECONDS) && run.breaches.isEmpty(); i++) {
                rest.come();
            }
            if (run.breaches.isEmpty()) {
                rest.come();
            }
        }
        if (!run.breaches.isEmpty()) {
            return; // what does not come to rest takes its time to be looked at, and would say the same
        }
        rest.delivered = run.nix.delivered();
        for (String line : run.lines("failed json")) {
            if (line.startsWith("{")) {
                rest.failed.add(Json.object(line));
            }
        }
        rest.promises();
        rest.nothingElse();
        rest.roots();
        rest.counts();
        rest.remains();
    }

    /** By a worker that is asked something, though nobody queues a path. */
    private void spoolIsTakenIn() throws IOException {
        long end = System.nanoTime() + 10_000_000_000L;
        List<String> left;
        do {
            run.listen();
            run.ask("list");
            left = spooled().stream()
                    .filter(name -> name.endsWith(".paths") && !name.startsWith("litter-"))
                    .toList();
            if (left.isEmpty()) {
                return;
            }
            World.pause(50);
        } while (System.nanoTime() < end);
        run.breach("not taken in from the spool, while nobody queues a path: " + left);
    }

    /**
     * Until nothing is left that is not failed, by nothing but the time that goes by: what was put off comes by itself. A
     * path that every destination takes shows who is to blame. Those that were failed for an outage are then retried.
     */
    private void come() throws IOException {
        long end = System.nanoTime() + MOST_SECONDS * 1_000_000_000L;
        String witness = "";
        List<String> unsettled;
        List<String> blamed;
        int minutes = 0;
        int looks = 0;
        do {
            run.listen();
            unsettled = List.of();
            blamed = List.of();
            try {
                unsettled = unsettled();
                blamed = run.outages.blamed(run.lines("failed json"));
            } catch (IOException e) {
                unsettled = List.of("(no answer: " + e.getMessage() + ")");
            }
            // One at a time, for a busy machine may take longer than this loop; but a new one wakes who waits, whatever the clock.
            if (!unsettled.contains(witness) || ++looks % LOOKS_A_WITNESS == 0) {
                if (unsettled.isEmpty() && blamed.isEmpty() && !witness.isEmpty()) {
                    return;
                }
                witness = run.model.plainPath();
                run.enqueue(witness);
            }
            if (unsettled.isEmpty() && !blamed.isEmpty()) {
                run.ask("retry " + String.join(" ", blamed));
            }
            run.ask("wait timeout=1s");
            minutes = Math.min(minutes + MINUTES_A_LOOK, MOST_MINUTES);
            run.later(minutes);
        } while (System.nanoTime() < end);
        run.breach("after %d s and %d minutes by the clock, with nothing wrong, there are still unsettled: %s, failed: %s"
                .formatted(MOST_SECONDS, minutes, unsettled, blamed));
    }

    private List<String> unsettled() throws IOException {
        var paths = new TreeSet<String>();
        var held = new TreeSet<String>();
        for (String line : run.lines("list json")) {
            if (line.startsWith("{")) {
                JsonObject entry = Json.object(line);
                if (!entry.get("state").getAsString().equals("failed")) {
                    (entry.get("state").getAsString().equals("held") ? held : paths).add(entry.get("path").getAsString());
                }
            }
        }
        // Held for a signature that cannot be had any more is as good as failed.
        held.removeIf(run.model::hasVanished);
        paths.addAll(held);
        return List.copyOf(paths);
    }

    private boolean hasFailed(String path, String lane) {
        return failed.stream()
                .anyMatch(entry -> entry.get("path").getAsString().equals(path) && run.lane(entry.get("lane").getAsString()).equals(lane));
    }

    /**
     * What was accepted is at its destinations, as another machine would see it, with what it needs, or stands in failed for
     * a reason that we know of.
     */
    private void promises() {
        for (String path : run.model.accepted()) {
            for (String lane : Destinations.ALL) {
                boolean arrived = run.nix.has(lane, path)
                        || delivered.contains(lane + " " + path) && run.model.mayLack(lane, path, path);
                if (!arrived && !run.model.owes(path, lane)) {
                    continue;
                }
                boolean buried = hasFailed(path, lane) || hasFailed(path, "sign");
                if (Model.isRefused(path, lane) ? arrived || !buried : !arrived && !run.model.hasVanished(path)) {
                    run.breach("%s: delivered to %s: %s, failed there: %s".formatted(path, lane, arrived, buried));
                } else if (!arrived && !buried) {
                    run.breach("%s has neither arrived at %s nor failed".formatted(path, lane));
                }
                String needed = run.model.needs(path);
                if (!needed.isEmpty() && run.nix.has(lane, path) && run.model.owes(path, lane) && Destinations.STORES.contains(lane)
                        && !run.nix.has(lane, needed) && !run.model.mayLack(lane, needed, path)) {
                    run.breach("%s is at %s without %s, which it needs".formatted(path, lane, needed));
                }
            }
        }
    }

    /** No path has failed that nobody refuses, and none was delivered that nobody queued. */
    private void nothingElse() throws IOException {
        Set<String> offered = run.model.offered();
        for (JsonObject entry : failed) {
            String path = entry.get("path").getAsString();
            String reason = entry.has("reason") ? entry.get("reason").getAsString() : "";
            boolean known = Model.isRefused(path, run.lane(entry.get("lane").getAsString())) && reason.contains("refuses")
                    || run.model.hasVanished(path) && reason.contains("in the local store");
            // With flipped bits a row may be about a path that there never was.
            boolean neverWas = run.countsAreLost && !offered.contains(path);
            if (!neverWas && (!offered.contains(path) || !known)) {
                run.breach("failed for no reason that we know of: " + entry);
            }
        }
        if (run.signsAlways) {
            run.nix.unsigned().forEach(line -> run.breach("delivered without a signature: " + line));
        }
        for (String line : run.countsAreLost ? Set.<String>of() : delivered) {
            String path = line.substring(line.indexOf(' ') + 1);
            if (!offered.contains(path) && !run.model.isDependency(path)) {
                run.breach("delivered, but never queued: " + line);
            }
        }
    }

    /** Failed paths keep their root, and no other has one but what a hook has rooted that had no answer in time. */
    private void roots() throws IOException {
        Set<String> expected = failed.stream()
                .map(entry -> Path.of(entry.get("path").getAsString()).getFileName().toString())
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> there = new TreeSet<>();
        long end = System.nanoTime() + 5_000_000_000L;
        do {
            there.clear();
            try (var roots = Files.list(run.world.roots)) {
                for (Path root : roots.toList()) {
                    String name = root.getFileName().toString();
                    there.add(name);
                    // One that goes meanwhile is looked at no more.
                    if (Files.isSymbolicLink(root) && !target(root).equals(run.world.store.resolve(name))) {
                        run.breach("a root that leads elsewhere: " + root + " -> " + target(root));
                    }
                }
            }
            var others = new TreeSet<>(there);
            others.removeAll(expected);
            if (there.containsAll(expected) && others.stream().allMatch(run.model::mayStayRooted)) {
                return;
            }
            World.pause(50);
        } while (System.nanoTime() < end);
        run.breach("GC roots are " + there + ", but failed are " + expected);
    }

    private Path target(Path root) throws IOException {
        try {
            return Files.readSymbolicLink(root);
        } catch (NoSuchFileException e) {
            return run.world.store.resolve(root.getFileName());
        }
    }

    /** Reported exactly once, however often it had to be sent. */
    private void counts() throws IOException {
        if (run.countsAreLost || run.repeats) {
            return;
        }
        var expected = new HashMap<String, Long>();
        var perhaps = new HashMap<String, Long>();
        for (String line : delivered) {
            String lane = line.substring(0, line.indexOf(' '));
            String path = line.substring(line.indexOf(' ') + 1);
            if (!hasFailed(path, lane) && !run.model.isDependency(path)) {
                // Killed in between, a worker knows nothing of a delivery; and then the path vanished.
                boolean certain = !hasFailed(path, "sign") && !run.model.mayBeUncounted(path);
                expected.merge(lane, certain ? 1L : 0L, Long::sum);
                perhaps.merge(lane, run.model.mostCounted(path) - (certain ? 1L : 0L), Long::sum);
            }
        }
        JsonObject status = Json.object(run.lines("status json").getFirst());
        for (JsonElement each : status.getAsJsonArray("lanes")) {
            JsonObject lane = each.getAsJsonObject();
            String name = run.lane(lane.get("name").getAsString());
            long more = lane.get("delivered").getAsLong() - expected.getOrDefault(name, 0L);
            if (Destinations.ALL.contains(name) && (more < 0 || more > perhaps.getOrDefault(name, 0L))) {
                run.breach("%s took %d paths, but %d are counted as delivered"
                        .formatted(name, expected.getOrDefault(name, 0L), lane.get("delivered").getAsLong()));
            }
        }
    }

    private List<String> spooled() throws IOException {
        try (var spool = Files.list(run.world.state.resolve("spool"))) {
            return spool.map(file -> file.getFileName().toString()).toList();
        }
    }

    /** The worker ends by itself, and leaves no process and no file. */
    private void remains() throws IOException {
        WorkerProcess queue = run.queue();
        try {
            int status = queue.exit(Duration.ofSeconds(30));
            if (status != 0) {
                run.breach("the idle worker ended with " + status);
            }
        } catch (IllegalStateException e) {
            run.breach("the worker does not end by itself");
        }
        List<String> children = Leftover.of(run.world.dir);
        if (!children.isEmpty()) {
            run.breach("child processes are left: " + children);
        }
        if (spooled().stream().anyMatch(name -> name.startsWith(".tmp-"))) {
            run.workTwoHoursLater();
        }
        for (String name : spooled()) {
            if (!name.startsWith("litter-")) {
                run.breach("left in the spool: " + name);
            }
        }
        List<String> kept = spooled();
        for (String name : run.litter) {
            if (!kept.contains(name) && !kept.contains(name + ".rejected")) {
                run.breach("removed from the spool, though no hook has left it: " + name);
            }
        }
        try (var state = Files.list(run.world.state)) {
            for (Path file : state.toList()) {
                String name = file.getFileName().toString();
                if (!name.startsWith("queue.sqlite") && !name.equals("spool") && !name.equals("moved-by-hand")) {
                    run.breach("left in the state directory: " + name);
                }
            }
        }
    }
}
