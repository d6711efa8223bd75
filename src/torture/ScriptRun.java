import com.google.gson.JsonObject;
import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Folders;
import hookqueue.testkit.Json;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.Wait;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** One script's world: a real worker, real hooks, their destinations, the faults, and a model of what was promised. */
final class ScriptRun implements AutoCloseable {
    static final long HOOK_TIMEOUT_MILLISECONDS = 3_000;
    static final long IDLE_TIMEOUT_MILLISECONDS = 1_000;

    /** The real Nix, which does what the fake one lets through; empty for none. */
    static final String REAL_NIX = System.getProperty("nix", "");

    final World world;
    final FakeNix nix;
    final Model model;
    final Destinations destinations;
    final WorkerControl worker = new WorkerControl(this);
    final Outages outages = new Outages(this);
    final Callers callers = new Callers(this);
    final WorkerFaults workerFaults = new WorkerFaults(this);
    final HostFaults hostFaults;
    final DestinationFaults destinationFaults = new DestinationFaults(this);
    final SettingsFaults settingsFaults;

    /** The broken promises. */
    final List<String> breaches = new ArrayList<>();

    /** Whether the database has lost its counts. */
    boolean countsAreLost;

    /** Whether paths were queued again that may have been settled, and so count again. */
    boolean repeats;

    ScriptRun(Path dist, Script.Settings settings) throws IOException {
        world = newWorld(dist);
        nix = new FakeNix(world, REAL_NIX);
        nix.program("program");
        destinations = new Destinations(world);
        model = new Model(world);
        hostFaults = new HostFaults(this, settings.smallDisk());
        world.set("NPBHQ_BATCH_SIZE", settings.batchSize())
                .set("NPBHQ_STALL_TIMEOUT", "2s")
                .set("NPBHQ_MAX_ATTEMPTS", settings.maxAttempts())
                .set("NPBHQ_IDLE_TIMEOUT", IDLE_TIMEOUT_MILLISECONDS + "ms")
                .set("NPBHQ_HOOK_TIMEOUT", HOOK_TIMEOUT_MILLISECONDS + "ms");
        settingsFaults = new SettingsFaults(this, settings.signs());
        worker.listen();
    }

    private static synchronized World newWorld(Path dist) throws IOException {
        return World.kept(dist);
    }

    /** Ends all faults. A worker listens. */
    void heal() throws IOException {
        hostFaults.healDisk();
        outages.end();
        settingsFaults.without("");
        settingsFaults.filter(false);
        hostFaults.heal();
        worker.listen();
        worker.signal("CONT");
        // A worker that could not start refuses every request for half a minute before the next worker starts.
        boolean resumed = Wait.comesTrue(Duration.ofMinutes(1), () -> {
            worker.listen();
            return worker.ask("resume");
        });
        if (!resumed) {
            breach("does not resume after all faults have ended");
        }
    }

    /** Queues paths. The model expects them to arrive if the worker acknowledges them; false if it does not. */
    boolean enqueue(List<String> paths) {
        boolean accepted = worker.ask("queue " + String.join(" ", paths));
        if (accepted) {
            model.accept(paths);
        }
        return accepted;
    }

    boolean enqueue(String path) {
        return enqueue(List.of(path));
    }

    /** The worker's answer to a request for JSON. */
    List<JsonObject> entries(String request) throws IOException {
        return parse(worker.lines(request));
    }

    /** The objects in an answer. */
    static List<JsonObject> parse(List<String> lines) throws IOException {
        var entries = new ArrayList<JsonObject>();
        for (String line : lines) {
            if (line.startsWith("{")) {
                entries.add(Json.object(line));
            }
        }
        return entries;
    }

    /** The destination of a lane that an entry of {@link #entries} names. */
    String destination(JsonObject entry) {
        return destinations.of(entry.get("lane").getAsString());
    }

    /** Whether a path waits or has failed in some lane. */
    boolean isListed(String path) throws IOException {
        return worker.lines("list").stream().anyMatch(line -> line.contains(path));
    }

    /** Ends all outages. True if everything is settled within 3 s, and neither the disk nor the database has a fault. */
    boolean isCalm() throws IOException {
        if (hostFaults.areActive() || !Files.exists(world.roots)) {
            return false;
        }
        outages.end();
        worker.listen();
        worker.ask("resume");
        worker.ask("retry");
        String answer = worker.answer("wait timeout=3s");
        return answer.startsWith("ok") || answer.startsWith("error failed") || answer.startsWith("error paths have no");
    }

    /** Records a broken promise. */
    synchronized void breach(String what) {
        breaches.add(what);
    }

    /** Ends the worker and its child processes. */
    @Override
    public void close() throws IOException {
        worker.close();
        Leftover.kill(world.dir);
        hostFaults.close();
        Folders.delete(world.dir);
    }
}
