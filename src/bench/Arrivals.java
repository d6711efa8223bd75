import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Paths that arrive one at a time while a batch runs: how long until each is at the destination, against signing and
 * copying it by hand at once, while a copy of the same batch runs.
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
            // In turn, 20 arrivals each, so that both meet the same disturbances.
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
        return new Result("arrivals", "a path that arrives while a batch of 200 runs, until it is in file://", "ms", ours,
                byHand, "nix store sign; nix copy of it at once, beside the batch", null,
                Map.of(
                        "p50_ms", Stats.median(ours),
                        "p99_ms", Stats.percentile(99, ours),
                        "by_hand_p50_ms", Stats.median(byHand),
                        "by_hand_p99_ms", Stats.percentile(99, byHand)));
    }

    private static List<Double> queued(World world, Path cache, List<String> batch, List<String> late) throws IOException {
        world.set("NPBHQ_UPLOAD_TO", "file://" + cache).set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        try (WorkerProcess queue = WorkerProcess.start(world);
                var shell = new Shell(world);
                var watch = new Watch(cache)) {
            queue.ask(String.join(" ", batch));
            for (int i = 0; i < late.size(); i++) {
                watch.expect(late.get(i));
                Hooks.hook(shell, world, late.get(i));
                World.pause(EVERY_MS);
            }
            queue.ask("wait");
            return watch.latencies();
        }
    }

    private static List<Double> copied(World world, Path cache, List<String> batch, List<String> late) throws IOException {
        try (ExecutorService threads = Executors.newCachedThreadPool();
                var watch = new Watch(cache)) {
            var running = new ArrayList<java.util.concurrent.Future<?>>();
            running.add(threads.submit(() -> byHand(world, cache, batch)));
            for (String path : late) {
                watch.expect(path);
                running.add(threads.submit(() -> byHand(world, cache, List.of(path))));
                World.pause(EVERY_MS);
            }
            for (var one : running) {
                one.get();
            }
            return watch.latencies();
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            throw new IOException(e);
        }
    }

    private static Void byHand(World world, Path cache, List<String> paths) throws IOException {
        String all = String.join(" ", paths);
        world.run("/bin/sh", "-c", "nix store sign --key-file " + world.key + " " + all
                + " && nix copy --to file://" + cache + " " + all);
        return null;
    }

    /** Notes when the description of each expected path, which Nix writes last, is in a file:// cache. */
    private static final class Watch implements AutoCloseable {
        private final Path cache;
        private final Map<Path, Long> expected = new ConcurrentHashMap<>();
        private final List<Double> latencies = new ArrayList<>();
        private final Thread thread = Thread.ofPlatform().start(this::look);
        private volatile boolean closed;

        Watch(Path cache) {
            this.cache = cache;
        }

        void expect(String path) {
            String name = path.substring(path.lastIndexOf('/') + 1);
            expected.put(cache.resolve(name.substring(0, 32) + ".narinfo"), System.nanoTime());
        }

        private void look() {
            while (!closed) {
                for (var entry : expected.entrySet()) {
                    if (Files.exists(entry.getKey())) {
                        synchronized (latencies) {
                            latencies.add(Plan.millisecondsSince(entry.getValue()));
                        }
                        expected.remove(entry.getKey());
                    }
                }
                World.pause(2);
            }
        }

        /** All have arrived when this is asked for. */
        List<Double> latencies() throws IOException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (!expected.isEmpty()) {
                if (System.nanoTime() > end) {
                    throw new IOException("never arrived: " + expected.keySet());
                }
                World.pause(10);
            }
            synchronized (latencies) {
                return List.copyOf(latencies);
            }
        }

        @Override
        public void close() {
            closed = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
