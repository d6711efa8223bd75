import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Paths that arrive one at a time while a batch runs: the time until each is at the destination, against `nix store sign`
 * and `nix copy` of it at once, while a copy of the same batch runs.
 */
final class Arrivals {
    private static final int EVERY_MS = 250;

    private Arrivals() {}

    static Result measure(Plan plan) throws IOException {
        int count = plan.pick(20, 120);
        int batch = 200;
        var ours = new ArrayList<Double>();
        var byHand = new ArrayList<Double>();
        try (var world = World.kept(plan.dist())) {
            Path queueCache = world.dir.resolve("cache-queue");
            Path handCache = world.dir.resolve("cache-hand");
            // In turn, 20 arrivals each, so that other load disturbs both.
            int rounds = count / 20;
            for (int round = 0; round < rounds; round++) {
                world.forget();
                List<String> first = world.add("b" + round, batch, 4000);
                List<String> late = world.add("l" + round, 20, 4000);
                ours.addAll(queued(world, queueCache, first, late));
                List<String> firstByHand = world.add("hb" + round, batch, 4000);
                List<String> lateByHand = world.add("hl" + round, 20, 4000);
                byHand.addAll(copied(world, handCache, firstByHand, lateByHand));
            }
        }
        return Result.compared("arrivals", "a path that arrives while a batch of 200 runs, until it is in file://",
                        "nix store sign; nix copy of it at once, beside the batch", new Plan.Pairs(ours, byHand))
                .with(Map.of(
                        "p50_ms", Stats.median(ours),
                        "p99_ms", Stats.percentile(99, ours),
                        "by_hand_p50_ms", Stats.median(byHand),
                        "by_hand_p99_ms", Stats.percentile(99, byHand)));
    }

    private static List<Double> queued(World world, Path cache, List<String> batch, List<String> late) throws IOException {
        world.set("NPBHQ_UPLOAD_TO", "file://" + cache).set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        var begun = new LinkedHashMap<String, Instant>();
        try (WorkerProcess queue = WorkerProcess.start(world);
                var shell = new Shell(world)) {
            queue.ask(String.join(" ", batch));
            for (String path : late) {
                begun.put(path, Instant.now());
                shell.hook(world, path);
                World.pause(EVERY_MS);
            }
            queue.ask("wait");
        }
        return latencies(cache, begun);
    }

    private static List<Double> copied(World world, Path cache, List<String> batch, List<String> late) throws IOException {
        var begun = new LinkedHashMap<String, Instant>();
        var running = new ArrayList<Future<?>>();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            running.add(threads.submit(() -> byHand(world, cache, batch)));
            for (String path : late) {
                begun.put(path, Instant.now());
                running.add(threads.submit(() -> byHand(world, cache, List.of(path))));
                World.pause(EVERY_MS);
            }
            for (var one : running) {
                one.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IOException(e);
        }
        return latencies(cache, begun);
    }

    private static Void byHand(World world, Path cache, List<String> paths) throws IOException {
        String all = String.join(" ", paths);
        world.run("/bin/sh", "-c", "nix store sign --key-file " + world.key + " " + all
                + " && nix copy --to file://" + cache + " " + all);
        return null;
    }

    /** Milliseconds until the narinfo of each path, which Nix writes last, was in the cache. */
    private static List<Double> latencies(Path cache, Map<String, Instant> begun) throws IOException {
        var latencies = new ArrayList<Double>();
        for (var each : begun.entrySet()) {
            String hash = Path.of(each.getKey()).getFileName().toString().substring(0, 32);
            Instant there = Files.getLastModifiedTime(cache.resolve(hash + ".narinfo")).toInstant();
            latencies.add(Duration.between(each.getValue(), there).toNanos() / 1e6);
        }
        return latencies;
    }
}
