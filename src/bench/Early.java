import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How fast a new worker is: its first acknowledgements beside those that come when all its code is compiled. */
final class Early {
    private Early() {}

    private static final int FIRST = 100;
    private static final int LATER = 1000;

    /**
     * Of each of some workers the median of the first 100 after that which started it, and of those around the 1,000th.
     * Also its time on a processor for each, which other load changes less.
     */
    static Result acknowledgements(Plan plan) throws IOException {
        var first = new ArrayList<Double>();
        var later = new ArrayList<Double>();
        var cpuFirst = new ArrayList<Double>();
        var cpuLater = new ArrayList<Double>();
        for (int run = 0; run <= plan.pick(3, 7); run++) {
            try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true")) {
                List<String> paths = world.made("early", LATER + FIRST / 2);
                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                    var times = new ArrayList<Double>();
                    var cpu = new ArrayList<Double>();
                    for (String path : paths) {
                        long began = System.nanoTime();
                        queue.ask(path);
                        times.add(Plan.millisecondsSince(began));
                        cpu.add(1000 * Proc.cpu(queue.pid()));
                        // A build takes longer than this.
                        World.pause(4);
                    }
                    if (run > 0) { // this program's own code is compiled by then
                        first.add(Stats.median(times.subList(1, FIRST + 1)));
                        later.add(Stats.median(times.subList(LATER - FIRST / 2, LATER + FIRST / 2)));
                        cpuFirst.add((cpu.get(FIRST) - cpu.getFirst()) / FIRST);
                        cpuLater.add((cpu.getLast() - cpu.get(LATER - FIRST / 2)) / (FIRST - 1));
                    }
                }
            }
        }
        return new Result("early", "a worker's first 100 acknowledgements", "ms", first, later, "its 1,000th",
                Result.Goal.atMost(1.5),
                Map.of("cpu_first_ms", cpuFirst, "cpu_later_ms", cpuLater));
    }
}
