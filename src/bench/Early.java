import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How fast a new worker is: its first acknowledgements, against later ones, when all its code is compiled. */
final class Early {
    private Early() {}

    private static final int FIRST = 100;
    private static final int LATER = 1000;

    /**
     * For several workers: the median of the 100 acknowledgements after the first, and of 100 around the 1,000th. Also the
     * processor time of each, which other load changes less.
     */
    static Result acknowledgements(Plan plan) throws IOException {
        var times = new Plan.Pairs(new ArrayList<>(), new ArrayList<>());
        var cpuFirst = new ArrayList<Double>();
        var cpuLater = new ArrayList<Double>();
        for (int run = 0; run <= plan.pick(3, 7); run++) {
            try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true")) {
                List<String> paths = world.made("early", LATER + FIRST / 2);
                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                    var each = new ArrayList<Double>();
                    var cpu = new ArrayList<Double>();
                    for (String path : paths) {
                        long began = System.nanoTime();
                        queue.ask(path);
                        each.add(Plan.millisecondsSince(began));
                        cpu.add(1000 * Proc.cpu(queue.pid()));
                        // A build takes longer than this.
                        World.pause(4);
                    }
                    if (run > 0) { // this program's own code is compiled by then
                        times.ours().add(Stats.median(each.subList(1, FIRST + 1)));
                        times.reference().add(Stats.median(each.subList(LATER - FIRST / 2, LATER + FIRST / 2)));
                        cpuFirst.add((cpu.get(FIRST) - cpu.getFirst()) / FIRST);
                        cpuLater.add((cpu.getLast() - cpu.get(LATER - FIRST / 2)) / (FIRST - 1));
                    }
                }
            }
        }
        return Result.ratio("early", "a worker's first 100 acknowledgements", "its 1,000th", 1.5, times)
                .with(Map.of("cpu_first_ms", cpuFirst, "cpu_later_ms", cpuLater));
    }
}
