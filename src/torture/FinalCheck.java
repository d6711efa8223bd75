import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.Wait;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** After all faults have ended: waits until the queue has settled, and compares its state with the model. */
final class FinalCheck {
    private static final int LOOKS_PER_WITNESS = 5;

    /** How often a worker may find new work before it exits. */
    private static final int MOST_LIVES = 5;

    /** More than the longest delay of a deferred path. */
    private static final int MINUTES_PER_LOOK = 20;

    /** Less than a script's largest clock error, so that nothing but delays expires. */
    private static final int MOST_MINUTES = 540;

    private static final int MOST_SECONDS = 45;

    private final ScriptRun run;
    private List<JsonObject> failed = List.of();
    private Set<String> delivered = Set.of();

    private FinalCheck(ScriptRun run) {
        this.run = run;
    }

    /** Records broken promises in the run. */
    static void check(ScriptRun run) throws IOException {
        var check = new FinalCheck(run);
        check.spoolIsTakenIn();
        check.settle();
        if (run.countsAreLost || run.model.hasInterruptedSpools()) {
            // The next worker repairs the damage that this one finds, and may find roots whose paths are not queued.
            for (int i = 0; i < MOST_LIVES && run.breaches.isEmpty() && !endsByItself(run); i++) {
                check.settle();
            }
            if (run.breaches.isEmpty()) {
                check.settle();
            }
        }
        if (!run.breaches.isEmpty()) {
            return; // an unsettled queue takes long to check, and would report the same breach
        }
        check.delivered = run.nix.delivered();
        check.failed = run.entries("failed json");
        check.acceptedPathsHaveArrivedOrFailed();
        check.failuresAndDeliveriesAreExplained();
        check.rootsAreThoseOfFailedPaths();
        check.deliveriesAreCountedOnce();
        check.workerLeavesNothingBehind();
    }

    private static boolean endsByItself(ScriptRun run) {
        return run.worker.endsByItself(Duration.ofMillis(4 * ScriptRun.IDLE_TIMEOUT_MILLISECONDS));
    }

    /** A worker that answers requests must read the spool, also if no path is queued. */
    private void spoolIsTakenIn() throws IOException {
        boolean taken = Wait.comesTrue(Duration.ofSeconds(10), () -> {
            run.worker.listen();
            run.worker.ask("list");
            return hookFiles().isEmpty();
        });
        if (!taken) {
            run.breach("not taken in from the spool, while nobody queues a path: " + hookFiles());
        }
    }

    private List<String> hookFiles() {
        return spooled().stream().filter(name -> name.endsWith(".paths") && !name.startsWith("litter-")).toList();
    }

    /**
     * Waits until all paths have arrived or failed. Only the clock advances, because deferred paths must arrive by themselves.
     * A witness, a path that every destination accepts, proves which path is to blame. Paths that failed because of an
     * outage are retried in the end.
     */
    private void settle() throws IOException {
        long end = System.nanoTime() + MOST_SECONDS * 1_000_000_000L;
        String witness = "";
        List<String> unsettled;
        List<String> blamed;
        int minutes = 0;
        int looks = 0;
        do {
            run.worker.listen();
            unsettled = List.of();
            blamed = List.of();
            try {
                unsettled = unsettled();
                blamed = run.outages.blamed(run.entries("failed json"));
            } catch (IOException e) {
                unsettled = List.of("(no answer: " + e.getMessage() + ")");
            }
            // One witness at a time, because a busy machine may be slower than this loop; but a new path wakes lanes that
            // wait, whatever the clock says.
            if (!unsettled.contains(witness) || ++looks % LOOKS_PER_WITNESS == 0) {
                if (unsettled.isEmpty() && blamed.isEmpty() && !witness.isEmpty()) {
                    return;
                }
                witness = run.model.plainPath();
                run.enqueue(witness);
            }
            if (unsettled.isEmpty() && !blamed.isEmpty()) {
                run.worker.ask("retry " + String.join(" ", blamed));
            }
            run.worker.ask("wait timeout=1s");
            minutes = Math.min(minutes + MINUTES_PER_LOOK, MOST_MINUTES);
            run.hostFaults.setClock(minutes);
        } while (System.nanoTime() < end);
        run.breach("after %d s and %d minutes by the clock, with nothing wrong, there are still unsettled: %s, failed: %s"
                .formatted(MOST_SECONDS, minutes, unsettled, blamed));
    }

    /** A path that is held for a signature, and has vanished, counts as failed. */
    private List<String> unsettled() throws IOException {
        return run.entries("list json").stream()
                .filter(entry -> switch (entry.get("state").getAsString()) {
                    case "failed" -> false;
                    case "held" -> !run.model.hasVanished(entry.get("path").getAsString());
                    default -> true;
                })
                .map(entry -> entry.get("path").getAsString())
                .distinct()
                .sorted()
                .toList();
    }

    private boolean hasFailed(String path, String destination) {
        return failed.stream()
                .anyMatch(entry -> entry.get("path").getAsString().equals(path) && run.destination(entry).equals(destination));
    }

    /** Each destination must store each accepted path with its dependency, or the path must have failed for a known reason. */
    private void acceptedPathsHaveArrivedOrFailed() {
        for (String path : run.model.accepted()) {
            for (String destination : Destinations.ALL) {
                boolean arrived = run.nix.has(destination, path)
                        || delivered.contains(destination + " " + path) && run.model.mayLack(destination, path, path);
                if (!arrived && !run.model.owes(path, destination)) {
                    continue;
                }
                boolean hasFailed = hasFailed(path, destination) || hasFailed(path, "sign");
                boolean wrong = Model.isRefused(path, destination)
                        ? arrived || !hasFailed
                        : !arrived && !run.model.hasVanished(path);
                if (wrong) {
                    run.breach("%s: delivered to %s: %s, failed there: %s".formatted(path, destination, arrived, hasFailed));
                } else if (!arrived && !hasFailed) {
                    run.breach("%s has neither arrived at %s nor failed".formatted(path, destination));
                }
                dependencyHasArrived(path, destination);
            }
        }
    }

    private void dependencyHasArrived(String path, String destination) {
        String needed = run.model.dependencyOf(path);
        if (!needed.isEmpty()
                && Destinations.STORES.contains(destination)
                && run.nix.has(destination, path)
                && run.model.owes(path, destination)
                && !run.nix.has(destination, needed)
                && !run.model.mayLack(destination, needed, path)) {
            run.breach("%s is at %s without %s, which it needs".formatted(path, destination, needed));
        }
    }

    private void failuresAndDeliveriesAreExplained() throws IOException {
        Set<String> offered = run.model.offered();
        for (JsonObject entry : failed) {
            String path = entry.get("path").getAsString();
            String reason = entry.has("reason") ? entry.get("reason").getAsString() : "";
            boolean known = Model.isRefused(path, run.destination(entry)) && reason.contains("refuses")
                    || run.model.hasVanished(path) && reason.contains("in the local store");
            // After bit flips a row may contain a path that does not exist.
            boolean isFlipped = run.countsAreLost && !offered.contains(path);
            if (!isFlipped && (!offered.contains(path) || !known)) {
                run.breach("failed for no reason that we know of: " + entry);
            }
        }
        if (run.settingsFaults.alwaysSigns()) {
            run.nix.unsigned().forEach(line -> run.breach("delivered without a signature: " + line));
        }
        for (String line : run.countsAreLost ? Set.<String>of() : delivered) {
            String path = line.substring(line.indexOf(' ') + 1);
            if (!offered.contains(path) && !run.model.isDependency(path)) {
                run.breach("delivered, but never queued: " + line);
            }
        }
    }

    /** The root of a path whose hook was interrupted may exist, too. */
    private void rootsAreThoseOfFailedPaths() {
        Set<String> expected = failed.stream()
                .map(entry -> Model.baseName(entry.get("path").getAsString()))
                .collect(Collectors.toCollection(TreeSet::new));
        boolean asExpected = Wait.comesTrue(Duration.ofSeconds(5), () -> {
            List<String> roots = World.names(run.world.roots);
            rootsLeadToTheirPaths(roots);
            return roots.containsAll(expected)
                    && roots.stream().allMatch(name -> expected.contains(name) || run.model.mayStayRooted(name));
        });
        if (!asExpected) {
            run.breach("GC roots are " + World.names(run.world.roots) + ", but failed are " + expected);
        }
    }

    private void rootsLeadToTheirPaths(List<String> roots) throws IOException {
        for (String name : roots) {
            Path root = run.world.roots.resolve(name);
            try {
                if (Files.isSymbolicLink(root) && !Files.readSymbolicLink(root).equals(run.world.store.resolve(name))) {
                    run.breach("a root that leads elsewhere: " + root + " -> " + Files.readSymbolicLink(root));
                }
            } catch (NoSuchFileException e) {
                // Removed meanwhile.
            }
        }
    }

    /** However often a path was sent. */
    private void deliveriesAreCountedOnce() throws IOException {
        if (run.countsAreLost || run.repeats) {
            return;
        }
        var expected = new HashMap<String, Long>();
        var perhaps = new HashMap<String, Long>();
        for (String line : delivered) {
            String destination = line.substring(0, line.indexOf(' '));
            String path = line.substring(line.indexOf(' ') + 1);
            if (!hasFailed(path, destination) && !run.model.isDependency(path)) {
                // A worker that was killed after a delivery does not count it if the path vanished meanwhile.
                boolean certain = !hasFailed(path, "sign") && !run.model.mayBeUncounted(path);
                expected.merge(destination, certain ? 1L : 0L, Long::sum);
                perhaps.merge(destination, run.model.mostCounted(path) - (certain ? 1L : 0L), Long::sum);
            }
        }
        JsonObject status = run.entries("status json").getFirst();
        for (JsonElement each : status.getAsJsonArray("lanes")) {
            JsonObject lane = each.getAsJsonObject();
            String name = run.destinations.of(lane.get("name").getAsString());
            long counted = lane.get("delivered").getAsLong();
            long more = counted - expected.getOrDefault(name, 0L);
            if (Destinations.ALL.contains(name) && (more < 0 || more > perhaps.getOrDefault(name, 0L))) {
                run.breach("%s took %d paths, but %d are counted as delivered"
                        .formatted(name, expected.getOrDefault(name, 0L), counted));
            }
        }
    }

    private List<String> spooled() {
        return World.names(run.world.state.resolve("spool"));
    }

    private void workerLeavesNothingBehind() throws IOException {
        if (!run.worker.endsByItself(Duration.ofSeconds(30))) {
            run.breach("the worker does not end by itself");
        } else if (run.worker.exit(Duration.ZERO) != 0) {
            run.breach("the idle worker ended with " + run.worker.exit(Duration.ZERO));
        }
        List<String> children = Leftover.of(run.world.dir);
        if (!children.isEmpty()) {
            run.breach("child processes are left: " + children);
        }
        if (spooled().stream().anyMatch(name -> name.startsWith(".tmp-"))) {
            // A worker removes unfinished files an hour after they were written.
            run.hostFaults.setClock(120);
            run.worker.listen();
            run.worker.ask("version");
            run.worker.awaitEnd();
        }
        List<String> spooled = spooled();
        spooled.stream().filter(name -> !name.startsWith("litter-")).forEach(name -> run.breach("left in the spool: " + name));
        run.hostFaults.litter.stream()
                .filter(name -> !spooled.contains(name) && !spooled.contains(name + ".rejected"))
                .forEach(name -> run.breach("removed from the spool, though no hook has left it: " + name));
        World.names(run.world.state).stream()
                .filter(name -> !name.startsWith("queue.sqlite") && !Set.of("spool", "moved-by-hand").contains(name)
                        || name.startsWith("queue.sqlite.damaged-") && !run.countsAreLost)
                .forEach(name -> run.breach("left in the state directory: " + name));
    }
}
