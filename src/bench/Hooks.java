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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** How long the hook holds a build. */
final class Hooks {
    private Hooks() {}

    /** The hook as Nix calls it, against nothing but socat with the same line. */
    static Result warm(Plan plan) throws IOException {
        return beside(plan, 0, "hook-warm", "hook, worker just started, through its acknowledgement");
    }

    /** The same, of a worker whose code is compiled. */
    static Result warmed(Plan plan) throws IOException {
        return beside(plan, 1000, "hook-warmed", "hook, worker warm: after 1,000 acknowledgements");
    }

    private static Result beside(Plan plan, int before, String id, String what) throws IOException {
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
                        double took = hook(shell, world, next.get());
                        queue.ask("wait");
                        return took;
                    },
                    () -> socat(shell, world, next.get()));
            return Result.ratio(id, what, "socat, the same line to a trivial server", 1.0, pairs.ours(), pairs.reference());
        }
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

    /** Sixteen at once, against as many bare socats. */
    static Result parallel(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world);
                var trivial = new TrivialServer(world.dir.resolve("t"));
                var threads = Executors.newCachedThreadPool()) {
            queue.ask("pause");
            var next = new Paths(world, "many");
            var shells = new ArrayList<Shell>();
            for (int i = 0; i < 16; i++) {
                shells.add(new Shell(world));
            }
            var pairs = Plan.interleave(
                    plan.pick(3, 7),
                    () -> atOnce(threads, shells, shell -> hook(shell, world, next.get())),
                    () -> atOnce(threads, shells, shell -> socat(shell, world, next.get())));
            for (Shell shell : shells) {
                shell.close();
            }
            return new Result("hook-parallel", "16 hooks at once, until the last has its acknowledgement", "ms",
                    pairs.ours(), pairs.reference(), "16 socats at once", null, Map.of());
        }
    }

    private interface Timed {
        double run(Shell shell) throws IOException;
    }

    /** The time until the last one is done. */
    private static double atOnce(ExecutorService threads, List<Shell> shells, Timed timed) throws IOException {
        List<Callable<Double>> calls =
                shells.stream().map(shell -> (Callable<Double>) () -> timed.run(shell)).toList();
        long began = System.nanoTime();
        try {
            for (var done : threads.invokeAll(calls)) {
                done.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IOException(e);
        }
        return Plan.millisecondsSince(began);
    }

    static double hook(Shell shell, World world, String path) throws IOException {
        return shell.timeSilent("OUT_PATHS=" + path + " " + world.program.hook());
    }

    static double socat(Shell shell, World world, String path) throws IOException {
        Path line = Files.writeString(world.dir.resolve("line-" + Thread.currentThread().threadId()), path + "\n");
        return shell.time("socat -t 9 - UNIX-CONNECT:" + world.dir.resolve("t") + " <" + line);
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
