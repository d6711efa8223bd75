import hookqueue.testkit.World;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** How long the hook delays a build. */
final class Hooks {
    private static final String SOCAT = "socat, the same line to a trivial server";

    private Hooks() {}

    /** The hook as Nix calls it, against a bare socat with the same line. */
    static Result warm(Plan plan) throws IOException {
        return Result.ratio("hook-warm", "hook, worker just started, through its acknowledgement", SOCAT, 1.0,
                toQueue(plan, 0, Rig::settledHook));
    }

    /** The same with a worker whose code is compiled. */
    static Result warmed(Plan plan) throws IOException {
        return Result.ratio("hook-warmed", "hook, worker warm: after 1,000 acknowledgements", SOCAT, 1.0,
                toQueue(plan, 1000, Rig::settledHook));
    }

    /** The queue's share of that: socat to the queue and to the trivial server. */
    static Result commit(Plan plan) throws IOException {
        return Result.compared("hook-commit", "of it, the queue: socat, a line to the queue", SOCAT,
                toQueue(plan, 0, Rig::socatToQueue));
    }

    /** The hook's share of that: the hook to the trivial server. */
    static Result script(Plan plan) throws IOException {
        try (var rig = new Rig(plan)) {
            String hook = " " + rig.world.program.hook();
            String socket = "NPBHQ_SOCKET=" + rig.socketOfTrivial();
            return Result.compared("hook-script", "of it, the hook's program: to a trivial server", "socat, the same line to it",
                    Plan.interleave(
                            plan.manyRuns(),
                            () -> rig.shell.timeSilent(socket + " OUT_PATHS=" + rig.path() + hook),
                            rig::socat));
        }
    }

    private interface Timed<T> {
        double run(T on) throws IOException;
    }

    private static Plan.Pairs toQueue(Plan plan, int before, Timed<Rig> ours) throws IOException {
        try (var rig = new Rig(plan)) {
            for (int i = 0; i < before; i++) {
                rig.queue.ask(rig.path());
            }
            return Plan.interleave(plan.manyRuns(), () -> ours.run(rig), rig::socat);
        }
    }

    /** With a long queue that cannot be delivered, against an empty one. */
    static Result backlog(Plan plan) throws IOException {
        try (var full = new Rig(plan, "exec:/bin/false");
                var empty = new Rig(plan)) {
            Intake.send(full.world, full.world.made("queued", 10_000), 100);
            World.eventually(Duration.ofMinutes(1), "the destination is down",
                    () -> full.lane().get("state").getAsString().equals("down"));
            return Result.ratio("hook-backlog", "hook with 10,000 paths queued and the destination dead",
                    "the same hook, empty queue", 1.2,
                    Plan.interleave(plan.manyRuns(), full::hook, empty::settledHook));
        }
    }

    /** Several hooks in parallel, against as many bare socats. */
    static Result parallel(Plan plan) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        var of16 = new Plan.Pairs(new ArrayList<>(), new ArrayList<>());
        try (var rig = new Rig(plan);
                var threads = Executors.newCachedThreadPool()) {
            rig.queue.ask("pause");
            for (int n : plan.quick() ? new int[] {1, 16} : new int[] {1, 2, 4, 8, 16, 32, 64}) {
                var hooks = new ArrayList<Double>();
                var socats = new ArrayList<Double>();
                var all = new Plan.Pairs(new ArrayList<>(), new ArrayList<>());
                var shells = new ArrayList<Shell>();
                for (int i = 0; i < n; i++) {
                    shells.add(new Shell(rig.world));
                }
                for (int run = 0; run < plan.pick(3, 7); run++) {
                    all.ours().add(inParallel(threads, shells, hooks, rig::hook));
                    all.reference().add(inParallel(threads, shells, socats, rig::socat));
                }
                for (Shell shell : shells) {
                    shell.close();
                }
                rows.add(Map.of(
                        "hooks", n,
                        "median_ms", Stats.median(hooks),
                        "most_ms", Stats.percentile(100, hooks),
                        "all_ms", Stats.median(all.ours()),
                        "socat_median_ms", Stats.median(socats),
                        "socat_all_ms", Stats.median(all.reference())));
                if (n == 16) {
                    of16 = all;
                }
            }
        }
        return Result.compared("hook-parallel", "16 hooks at once, until the last has its acknowledgement",
                        "16 socats at once", of16)
                .with(Map.of("rows", rows));
    }

    /** Runs one in each shell, and adds the time of each. Returns the time until the last has ended. */
    private static double inParallel(ExecutorService threads, List<Shell> shells, List<Double> each, Timed<Shell> timed)
            throws IOException {
        List<Callable<Double>> calls = shells.stream().map(shell -> (Callable<Double>) () -> timed.run(shell)).toList();
        long began = System.nanoTime();
        try {
            for (var done : threads.invokeAll(calls)) {
                each.add(done.get());
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IOException(e);
        }
        return Plan.millisecondsSince(began);
    }
}
