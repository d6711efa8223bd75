import hookqueue.testkit.Client;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.tools.ToolProvider;

/** What it costs that there is no worker while there is no work, and what the worker costs while it waits. */
final class Cold {
    private Cold() {}

    /** From the connection, which starts the worker, to the acknowledgement of one path. */
    static Result start(Plan plan) throws IOException {
        try (var world = settings(World.kept(plan.dist()));
                var shell = new Shell(world)) {
            String hello = hello(world);
            var next = new Hooks.Paths(world, "cold");
            List<String> real = world.add("cold", plan.manyRuns() + 1, 100);
            var number = new int[1];
            // The state directory is one that was used before: a first start happens once.
            var pairs = Plan.interleave(
                    plan.pick(7, 21),
                    () -> {
                        String path = number[0] < real.size() ? real.get(number[0]++) : next.get();
                        try (WorkerProcess queue = WorkerProcess.listen(world)) {
                            World.pause(50);
                            return acknowledged(world, path);
                        }
                    },
                    () -> shell.time(hello));
            return Result.ratio("cold", "cold: connect to acknowledgement", "java printing one line, default CDS", 3,
                    pairs.ours(), pairs.reference());
        }
    }

    private static double acknowledged(World world, String path) throws IOException {
        long began = System.nanoTime();
        try (var client = new Client(world.socket)) {
            client.ask(path);
        }
        return Plan.millisecondsSince(began);
    }

    /** As on a build machine: a key, and a cache. */
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

    /** A worker that has delivered something and waits. */
    static Result idleMemory(Plan plan) throws IOException {
        var resident = new ArrayList<Double>();
        var proportional = new ArrayList<Double>();
        var threads = new ArrayList<Double>();
        try (var world = settings(World.kept(plan.dist()))) {
            List<String> paths = world.add("idle", 10, 100);
            for (int run = 0; run < plan.pick(3, 5); run++) {
                try (WorkerProcess queue = WorkerProcess.start(world)) {
                    queue.ask(String.join(" ", paths));
                    queue.ask("wait");
                    World.pause(1000);
                    resident.add(Proc.status(queue.pid(), "VmRSS") / 1024.0);
                    proportional.add(Proc.proportional(queue.pid()) / 1024.0);
                    threads.add((double) Proc.status(queue.pid(), "Threads"));
                }
            }
        }
        return Result.plain("memory-idle", "resident memory: idle worker", "MB", Result.Goal.atMost(64), resident)
                .with(Map.of("proportional_mb", proportional, "threads", threads));
    }

    /** Once the idle time is over. Whatever belongs to this queue has its settings in its environment. */
    static Result leftBehind(Plan plan) throws IOException {
        var left = new ArrayList<Double>();
        try (var world = settings(World.kept(plan.dist())).set("NPBHQ_IDLE_TIMEOUT", "300ms")) {
            List<String> paths = world.add("idle", 10, 100);
            for (int run = 0; run < plan.pick(3, 5); run++) {
                try (WorkerProcess queue = WorkerProcess.listen(world)) {
                    try (var client = new Client(world.socket)) {
                        client.ask(String.join(" ", paths));
                        if (Leftover.all(world.dir).isEmpty()) {
                            throw new IOException("this would not find the worker either");
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
