import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The costs of a queue as it grows tenfold several times. The destination is a program that does nothing. */
final class Growth {
    private static final int STEP = 10_000;

    private Growth() {}

    static List<Result> measure(Plan plan) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        for (int n : plan.quick() ? new int[] {1_000, 10_000} : new int[] {1_000, 10_000, 100_000, 1_000_000}) {
            rows.add(row(plan, n));
        }
        Map<String, Object> last = rows.getLast();
        int longest = (int) last.get("paths");
        var memory = Result.plain("memory-queue", "resident memory with %,d queued, at most".formatted(longest), "MB",
                Result.Goal.atMost(96), List.of(most(last)));
        return List.of(memory, Result.plain("growth", "start to first answer with %,d queued".formatted(longest), "ms",
                null, List.of((Double) last.get("start_ms"))).with(Map.of("rows", rows)));
    }

    private static double number(Map<String, Object> row, String column) {
        return ((Number) row.get(column)).doubleValue();
    }

    /** The most memory while paths came in, after a start with them, and while they were delivered. */
    private static double most(Map<String, Object> row) {
        return Math.max(number(row, "rss_filling_mb"), Math.max(number(row, "rss_mb"), number(row, "rss_draining_mb")));
    }

    private static Map<String, Object> row(Plan plan, int n) throws IOException {
        var row = new LinkedHashMap<String, Object>();
        row.put("paths", n);
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true")) {
            try (WorkerProcess queue = WorkerProcess.start(world)) {
                queue.ask("pause");
                double seconds = 0;
                for (int from = 0; from < n; from += STEP) {
                    var some = new ArrayList<String>();
                    for (int i = from; i < Math.min(n, from + STEP); i++) {
                        some.add(world.made("grow", i, 0));
                    }
                    seconds += Intake.send(world, some, 100);
                }
                row.put("enqueue_per_s", n / seconds);
                row.put("rss_filling_mb", Memory.megabytes(queue.pid(), "VmHWM"));
            }
            var starts = new ArrayList<Double>();
            for (int run = 0; run < 5; run++) {
                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                    World.pause(50);
                    long began = System.nanoTime();
                    queue.ask("version");
                    starts.add(Plan.millisecondsSince(began));
                }
            }
            row.put("start_ms", Stats.median(starts));
            try (var rig = new Rig(world)) {
                var hooks = new ArrayList<Double>();
                for (int run = 0; run < 21; run++) {
                    hooks.add(rig.hook());
                }
                row.put("hook_ms", Stats.median(hooks));
                rig.queue.ask("status");
                World.pause(500);
                row.put("rss_mb", Memory.megabytes(rig.queue.pid(), "VmRSS"));
                Path database = Soak.database(world);
                row.put("database_bytes", Proc.size(database));
                row.put("wal_bytes", Proc.size(Path.of(database + "-wal")));
                row.put("drain_per_s", drain(rig, plan.pick(2, 15)));
                row.put("rss_draining_mb", Memory.megabytes(rig.queue.pid(), "VmRSS"));
            }
        }
        return row;
    }

    /** Deliveries per second, until the queue is empty or the time is over. */
    private static double drain(Rig rig, int seconds) throws IOException {
        long before = rig.lane().get("delivered").getAsLong();
        long began = System.nanoTime();
        rig.queue.ask("resume");
        try {
            rig.queue.ask("wait timeout=" + seconds + "s");
        } catch (IOException e) {
            if (!e.getMessage().contains("not settled after")) {
                throw e;
            }
        }
        double took = (System.nanoTime() - began) / 1e9;
        return (rig.lane().get("delivered").getAsLong() - before) / took;
    }
}
