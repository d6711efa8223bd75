import hookqueue.testkit.Client;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.tools.ToolProvider;

/** The start of a worker, and the resources of an idle one. */
final class Cold {
    private Cold() {}

    /** From the connection, which starts the worker, to the acknowledgement of one path. */
    static Result start(Plan plan) throws IOException {
        try (var world = settings(World.kept(plan.dist()));
                var shell = new Shell(world)) {
            String hello = hello(world);
            int runs = plan.pick(7, 21);
            Iterator<String> paths = world.add("cold", runs + 1, 100).iterator();
            // The state directory was used before, because a first start happens only once.
            return Result.ratio("cold", "cold: connect to acknowledgement", "java printing one line, default CDS", 3,
                    Plan.interleave(
                            runs,
                            () -> {
                                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                                    World.pause(50);
                                    return acknowledged(world, paths.next());
                                }
                            },
                            () -> shell.time(hello)));
        }
    }

    private static double acknowledged(World world, String path) throws IOException {
        long began = System.nanoTime();
        try (var client = new Client(world.socket)) {
            client.ask(path);
        }
        return Plan.millisecondsSince(began);
    }

    /** A signing key and a cache, as on a build machine. */
    private static World settings(World world) {
        return world.set("NPBHQ_UPLOAD_TO", "file://" + world.dir.resolve("cache"))
                .set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
    }

    private static String hello(World world) throws IOException {
        Path source = Files.writeString(
                world.dir.resolve("Hello.java"),
                "class Hello { public static void main(String[] args) { System.out.println(\"hello\"); } }\n");
        int status = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-proc:none", "-d", world.dir.toString(), source.toString());
        if (status != 0) {
            throw new IOException("javac ended with " + status);
        }
        return System.getProperty("java.home") + "/bin/java -cp " + world.dir + " Hello";
    }

    /** The memory of a worker that has delivered paths, and is idle. */
    static Result idleMemory(Plan plan) throws IOException {
        var memory = new Memory();
        try (var world = settings(World.kept(plan.dist()))) {
            List<String> paths = world.add("idle", 10, 100);
            for (int run = 0; run < plan.pick(3, 5); run++) {
                try (WorkerProcess queue = WorkerProcess.start(world)) {
                    queue.ask(String.join(" ", paths));
                    queue.ask("wait");
                    World.pause(1000);
                    memory.sample(queue.pid());
                }
            }
        }
        return memory.row("memory-idle", "resident memory: idle worker", 64, memory.resident());
    }

    /** Processes after the idle timeout. All processes of this queue have its settings in their environment. */
    static Result leftBehind(Plan plan) throws IOException {
        var left = new ArrayList<Double>();
        try (var world = settings(World.kept(plan.dist())).set("NPBHQ_IDLE_TIMEOUT", "300ms")) {
            List<String> paths = world.add("idle", 10, 100);
            for (int run = 0; run < plan.pick(3, 5); run++) {
                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                    try (var client = new Client(world.socket)) {
                        client.ask(String.join(" ", paths));
                        if (Leftover.all(world.dir).isEmpty()) {
                            throw new IOException("the search does not find the worker either");
                        }
                        client.ask("wait");
                    }
                    if (queue.exit(Duration.ofSeconds(20)) != 0) {
                        throw new IOException("the worker has failed: " + queue.log());
                    }
                    left.add((double) Leftover.all(world.dir).size());
                }
            }
        }
        return Result.plain("left-behind", "processes left after the idle time", "processes", Result.Goal.atMost(0), left);
    }
}
