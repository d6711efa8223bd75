import hookqueue.testkit.FakeNix;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The memory of a worker while all slots are busy. */
final class Slots {
    private static final int SLOTS = 16;
    private static final int PATHS_FOR_EACH = 20;

    private Slots() {}

    /** With a fake Nix, which sends nothing and reports its progress twice a second. */
    static Result memory(Plan plan) throws IOException {
        var memory = new Memory();
        var peaks = new ArrayList<Double>();
        for (int run = 0; run < plan.pick(3, 5); run++) {
            try (var world = World.kept(plan.dist())) {
                world.set("NPBHQ_UPLOAD_TO", "http://localhost/paced")
                        .set("NPBHQ_PARALLEL", SLOTS);
                new FakeNix(world).set("paced", FakeNix.Mode.PACED);
                List<String> paths = world.made("slots", SLOTS * PATHS_FOR_EACH);
                try (WorkerProcess queue = WorkerProcess.start(world)) {
                    queue.ask(String.join(" ", paths));
                    World.eventually(Duration.ofSeconds(60), "every slot is busy", () -> busy(queue));
                    double most = 0;
                    while (busy(queue)) {
                        most = Math.max(most, memory.sample(queue.pid()));
                        World.pause(500);
                    }
                    peaks.add(most);
                    queue.ask("wait");
                }
            }
        }
        return memory.row("memory-slots", "resident memory with 16 busy slots, at most, without children", 128, peaks);
    }

    private static boolean busy(WorkerProcess queue) throws IOException {
        return String.join("", queue.lines("metrics")).matches("(?s).*running_children\\{[^}]*\\} " + SLOTS + "\\b.*");
    }
}
