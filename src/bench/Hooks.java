import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;

/** How long the hook holds a build. */
final class Hooks {
    private Hooks() {}

    /** The hook as Nix calls it, against nothing but socat with the same line. */
    static Result warm(Plan plan) throws IOException {
        return toQueue(plan, 0, Hooks::hook, (ours, reference) -> Result.ratio("hook-warm",
                "hook, worker just started, through its acknowledgement",
                "socat, the same line to a trivial server", 1.0, ours, reference));
    }

    /** The same, of a worker whose code is compiled. */
    static Result warmed(Plan plan) throws IOException {
        return toQueue(plan, 1000, Hooks::hook, (ours, reference) -> Result.ratio("hook-warmed",
                "hook, worker warm: after 1,000 acknowledgements",
                "socat, the same line to a trivial server", 1.0, ours, reference));
    }

    /** What of it is the durable queue: the same socat to both. */
    static Result commit(Plan plan) throws IOException {
        return toQueue(plan, 0, Hooks::socatToQueue, (ours, reference) -> new Result("hook-commit",
                "of it, the queue: socat, a line to the queue", "ms", ours, reference,
                "socat, the same line to a trivial server", null, Map.of()));
    }

    /** What of it is the hook's own: the hook to the trivial server. */
    static Result script(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var trivial = new TrivialServer(world.dir.resolve("t"));
                var shell = new Shell(world)) {
            var next = new Paths(world, "script");
            String socket = "NPBHQ_SOCKET=" + world.dir.resolve("t") + " ";
            var pairs = Plan.interleave(
                    plan.manyRuns(),
                    () -> shell.timeSilent(socket + "OUT_PATHS=" + next.get() + " " + world.program.hook()),
                    () -> socat(shell, world, next.get()));
            return new Result("hook-script", "of it, the hook's program: to a trivial server", "ms", pairs.ours(),
                    pairs.reference(), "socat, the same line to it", null, Map.of());
        }
    }

    private static Result toQueue(
            Plan plan, int before, OnePath one, BiFunction<List<Double>, List<Double>, Result> result)
            throws IOException {
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world);
                var trivial = new TrivialServer(world.dir.resolve("t"));
                var shell = new Shell(world)) {
            var next = new Paths(world, "warm");
            for (int i = 0; i < before; i++) {
                queue.ask(next.get());
            }
            var pairs = Plan.interleave(
                    plan.manyRuns(),
                    () -> {
                        double took = one.run(shell, world, next.get());
                        queue.ask("wait");
                        return took;
                    },
                    () -> socat(shell, world, next.get()));
            return result.apply(pairs.ours(), pairs.reference());
        }
    }

    private interface OnePath {
        double run(Shell shell, World world, String path) throws IOException;
    }

    /** With a long queue that cannot be delivered, against an empty one. */
    static Result backlog(Plan plan) throws IOException {
        try (var full = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/false");
                var empty = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess dead = WorkerProcess.start(full);
                WorkerProcess idle = WorkerProcess.start(empty);
                var inFull = new Shell(full);
                var inEmpty = new Shell(empty)) {
            Intake.send(full, full.made("queued", 10_000), 100);
            World.eventually(Duration.ofMinutes(1), "the destination is taken to be down", () -> lane(dead).get("state").getAsString().equals("down"));
            var next = new Paths(full, "late");
            var other = new Paths(empty, "late");
            var pairs = Plan.interleave(
                    plan.manyRuns(),
                    () -> hook(inFull, full, next.get()),
                    () -> {
                        double took = hook(inEmpty, empty, other.get());
                        idle.ask("wait");
                        return took;
                    });
            return Result.ratio("hook-backlog", "hook with 10,000 paths queued and the destination dead",
                    "the same hook, empty queue", 1.2, pairs.ours(), pairs.reference());
        }
    }

    /** So many at once: the time of each, and of as many bare socats. */
    static Result parallel(Plan plan) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        var ours = new ArrayList<Double>();
        var reference = new ArrayList<Double>();
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world);
                var trivial = new TrivialServer(world.dir.resolve("t"));
                var threads = Executors.newCachedThreadPool()) {
            queue.ask("pause");
            var next = new Paths(world, "many");
            for (int n : plan.quick() ? new int[] {1, 16} : new int[] {1, 2, 4, 8, 16, 32, 64}) {
                var hooks = new ArrayList<Double>();
                var bare = new ArrayList<Double>();
                var hookWalls = new ArrayList<Double>();
                var bareWalls = new ArrayList<Double>();
                var shells = new ArrayList<Shell>();
                for (int i = 0; i < n; i++) {
                    shells.add(new Shell(world));
                }
                for (int run = 0; run < plan.pick(3, 7); run++) {
                    hookWalls.add(atOnce(threads, shells, hooks, shell -> hook(shell, world, next.get())));
                    bareWalls.add(atOnce(threads, shells, bare, shell -> socat(shell, world, next.get())));
                }
                for (Shell shell : shells) {
                    shell.close();
                }
                rows.add(Map.of(
                        "hooks", n,
                        "median_ms", Stats.median(hooks),
                        "most_ms", Stats.percentile(100, hooks),
                        "all_ms", Stats.median(hookWalls),
                        "socat_median_ms", Stats.median(bare),
                        "socat_all_ms", Stats.median(bareWalls)));
                if (n == 16) {
                    ours.addAll(hookWalls);
                    reference.addAll(bareWalls);
                }
            }
        }
        return new Result("hook-parallel", "16 hooks at once, until the last has its acknowledgement", "ms", ours,
                reference, "16 socats at once", null, Map.of("rows", rows));
    }

    private interface Timed {
        double run(Shell shell) throws IOException;
    }

    /** Adds the time of each; the time until the last one is done. */
    private static double atOnce(
            java.util.concurrent.ExecutorService threads, List<Shell> shells, List<Double> each, Timed timed)
            throws IOException {
        List<Callable<Double>> calls =
                shells.stream().map(shell -> (Callable<Double>) () -> timed.run(shell)).toList();
        long began = System.nanoTime();
        try {
            for (var done : threads.invokeAll(calls)) {
                each.add(done.get());
            }
        } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
            throw new IOException(e);
        }
        return Plan.millisecondsSince(began);
    }

    static double hook(Shell shell, World world, String path) throws IOException {
        return shell.timeSilent("OUT_PATHS=" + path + " " + world.program.hook());
    }

    static double socat(Shell shell, World world, String path) throws IOException {
        return socat(shell, world, path, world.dir.resolve("t"));
    }

    private static double socatToQueue(Shell shell, World world, String path) throws IOException {
        return socat(shell, world, path, world.socket);
    }

    private static double socat(Shell shell, World world, String path, Path socket) throws IOException {
        Path line = Files.writeString(world.dir.resolve("line-" + Thread.currentThread().threadId()), path + "\n");
        return shell.time("socat -t 9 - UNIX-CONNECT:" + socket + " <" + line);
    }

    static JsonObject lane(WorkerProcess queue) throws IOException {
        return Json.object(queue.lines("status json").getFirst()).getAsJsonArray("lanes").get(0).getAsJsonObject();
    }

    /** One new name after the other. */
    static final class Paths {
        private final World world;
        private final String prefix;
        private int n;

        Paths(World world, String prefix) {
            this.world = world;
            this.prefix = prefix;
        }

        synchronized String get() throws IOException {
            n++;
            return world.made(prefix, n, Math.abs(prefix.hashCode() % 1_000_000));
        }
    }
}
