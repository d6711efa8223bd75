import hookqueue.testkit.Json;
import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs one worker for a long time under steady arrivals and outages, and samples its resources every few seconds. {@link
 * Flat} then judges whether they grow.
 *
 * <p>Each path is new, and is signed. The destinations are a file:// cache and a program, and take turns to be down. In an
 * outage the cache is a file in place of its folder, and the program exits with 1.
 */
final class Soak {
    static final List<String> COLUMNS = List.of(
            "seconds", "rss_kb", "pss_kb", "descriptors", "threads", "database", "wal", "children", "queued", "failed",
            "arrived", "roots", "cpu_seconds", "cache_down", "program_down");

    private static final int EVERY = 5;
    private static final int ARRIVAL = 3;

    private Soak() {}

    /** Whether nothing was lost and nothing grew. Prints what went wrong. */
    static boolean run(Path dist, int minutes, Path table) throws IOException {
        int seconds = minutes * 60;
        // Ten outages of each destination, short enough that the worker retries before the next one.
        int period = seconds / 10;
        var wrong = new ArrayList<String>();
        try (var world = World.kept(dist)) {
            List<String> paths = world.add("soak", seconds / ARRIVAL + 1, 4000);
            Path cache = world.dir.resolve("cache");
            Path refuse = world.dir.resolve("refuse");
            Path program = world.script("program", "#!/bin/sh\n[ ! -e " + refuse + " ]\n");
            world.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key)
                    .set("NPBHQ_UPLOAD_TO", "file://" + cache + " exec:" + program)
                    .set("NPBHQ_METRICS_FILE", world.dir.resolve("metrics.prom"))
                    .set("NPBHQ_IDLE_TIMEOUT", "60s");
            try (WorkerProcess queue = WorkerProcess.listen(world);
                    BufferedWriter out = Files.newBufferedWriter(table)) {
                out.write(String.join("\t", COLUMNS) + "\n");
                long began = System.nanoTime();
                int arrived = 0;
                for (int now = 0; now < seconds; now++) {
                    int phase = now % period;
                    outage(cache, phase >= period * 2 / 10 && phase < period * 3 / 10);
                    marker(refuse, phase >= period * 5 / 10 && phase < period * 6 / 10);
                    if (now % ARRIVAL == 0) {
                        String said = world.run(
                                Map.of("OUT_PATHS", paths.get(arrived++)), "/bin/sh", "-c", world.program.hook() + " 2>&1");
                        if (!said.isEmpty()) {
                            wrong.add("after %d s the hook printed: %s".formatted(now, said.strip()));
                        }
                    }
                    if (now % EVERY == 0) {
                        out.write(sample(world, queue, now, arrived, cache, refuse) + "\n");
                        out.flush();
                    }
                    World.pause(Math.max(0, (now + 1) * 1000L - (System.nanoTime() - began) / 1_000_000));
                }
                outage(cache, false);
                marker(refuse, false);
                end(world, queue, arrived, cache, wrong);
            }
        }
        wrong.addAll(Flat.judge(Table.read(table)));
        wrong.forEach(line -> System.out.println("WRONG  " + line));
        System.out.println(wrong.isEmpty() ? "the soak is flat, and nothing was lost" : "the soak has failed");
        return wrong.isEmpty();
    }

    /** Checks that all paths have arrived, that no root and no child is left, and that the worker exits. */
    private static void end(World world, WorkerProcess queue, int arrived, Path cache, List<String> wrong) throws IOException {
        queue.ask("retry");
        queue.ask("wait timeout=5min");
        long delivered;
        try (var files = Files.list(cache)) {
            delivered = files.filter(file -> file.toString().endsWith(".narinfo")).count();
        }
        if (delivered != arrived) {
            wrong.add("%d of %d paths are in the cache".formatted(delivered, arrived));
        }
        if (count(world.roots) != 0) {
            wrong.add(count(world.roots) + " GC roots are left");
        }
        if (queue.children() != 0) {
            wrong.add(queue.children() + " child processes are left");
        }
        int status = queue.exit(Duration.ofSeconds(100));
        if (status != 0) {
            wrong.add("the worker ended with " + status);
        }
        System.out.printf("%d paths arrived, %d in the cache; the worker ended with %d%n", arrived, delivered, status);
    }

    private static String sample(World world, WorkerProcess queue, int now, int arrived, Path cache, Path refuse)
            throws IOException {
        long pid = queue.pid();
        String status = queue.lines("status json").getFirst();
        Path database = database(world);
        return String.join(
                "\t",
                List.of(
                        now,
                        Proc.status(pid, "VmRSS"),
                        Proc.proportional(pid),
                        Proc.descriptors(pid),
                        Proc.status(pid, "Threads"),
                        Proc.size(database),
                        Proc.size(Path.of(database + "-wal")),
                        queue.children(),
                        number(status, "queued"),
                        number(status, "failed"),
                        arrived,
                        count(world.roots),
                        Proc.cpu(pid),
                        Files.isRegularFile(cache) ? 1 : 0,
                        Files.exists(refuse) ? 1 : 0)
                        .stream()
                        .map(Object::toString)
                        .toList());
    }

    static Path database(World world) throws IOException {
        try (var files = Files.list(world.state)) {
            return files.filter(file -> Files.exists(Path.of(file + "-wal"))).findFirst().orElse(world.state);
        }
    }

    /** A number of the status, which is the sum over all lanes. */
    private static long number(String json, String name) throws IOException {
        return Json.object(json).get(name).getAsLong();
    }

    private static long count(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.count();
        }
    }

    /** Begins or ends an outage of the cache. Its content stays in another folder meanwhile. */
    static void outage(Path cache, boolean down) throws IOException {
        Path aside = Path.of(cache + ".aside");
        if (down && !Files.isRegularFile(cache)) {
            if (Files.exists(cache)) {
                Files.move(cache, aside);
            }
            Files.writeString(cache, "an outage\n");
        } else if (!down && Files.isRegularFile(cache)) {
            Files.delete(cache);
            if (Files.exists(aside)) {
                Files.move(aside, cache);
            }
        }
    }

    private static void marker(Path file, boolean there) throws IOException {
        if (there && !Files.exists(file)) {
            Files.createFile(file);
        } else if (!there) {
            Files.deleteIfExists(file);
        }
    }
}
