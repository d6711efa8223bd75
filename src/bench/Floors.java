import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The hook beside what no hook can be faster than, and beside other work. */
final class Floors {
    private Floors() {}

    /** Against a process that does nothing. */
    static Result shell(Plan plan) throws IOException {
        return beside(plan, "hook-shell", "a shell script that does nothing", world -> {
            Path script = world.script("nothing", "#!/bin/sh\n");
            return path -> script.toString();
        });
    }

    /** Against a datagram that nobody acknowledges. */
    static Result datagram(Plan plan) throws IOException {
        return beside(plan, "hook-datagram", "a C program that sends a datagram, without a reply", world -> {
            Path program = compile(world, "datagram");
            Path sink = world.dir.resolve("datagrams");
            Process reader = world.builder(Map.of(), "socat", "-u", "UNIX-RECV:" + sink, "OPEN:/dev/null").start();
            Runtime.getRuntime().addShutdownHook(new Thread(reader::destroy));
            while (reader.isAlive() && !Files.exists(sink)) {
                World.pause(5);
            }
            return path -> "OUT_PATHS=" + path + " " + program + " " + sink;
        });
    }

    /** A thousand in a row, with as many busy processes as there are processors. */
    static Result busy(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world);
                var trivial = new TrivialServer(world.dir.resolve("t"));
                var shell = new Shell(world)) {
            var next = new Hooks.Paths(world, "busy");
            var loops = new ArrayList<Process>();
            try {
                for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                    loops.add(world.builder(Map.of(), "/bin/sh", "-c", "while :; do :; done").start());
                }
                var pairs = Plan.interleave(
                        plan.pick(100, 1000),
                        () -> Hooks.hook(shell, world, next.get()),
                        () -> Hooks.socat(shell, world, next.get()));
                return new Result("hook-busy", "%,d hooks in a row, every processor busy".formatted(pairs.ours().size()),
                        "ms", pairs.ours(), pairs.reference(), "socat, the same line to a trivial server", null,
                        Map.of("p99_ms", Stats.percentile(99, pairs.ours()),
                                "reference_p99_ms", Stats.percentile(99, pairs.reference())));
            } finally {
                loops.forEach(Process::destroyForcibly);
            }
        }
    }

    private interface Preparing {
        Command prepare(World world) throws IOException;
    }

    private interface Command {
        String forPath(String path);
    }

    private static Result beside(Plan plan, String id, String against, Preparing preparing) throws IOException {
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world);
                var shell = new Shell(world)) {
            var next = new Hooks.Paths(world, "floor");
            Command reference = preparing.prepare(world);
            var pairs = Plan.interleave(
                    plan.manyRuns(),
                    () -> {
                        double took = Hooks.hook(shell, world, next.get());
                        queue.ask("wait");
                        return took;
                    },
                    () -> shell.time(reference.forPath(next.get())));
            return new Result(id, "hook, worker just started, through its acknowledgement", "ms", pairs.ours(), pairs.reference(),
                    against, null, Map.of());
        }
    }

    /** So many builds of nothing by Nix, with the hook and without. */
    static Result builds(Plan plan) throws IOException {
        return builds(plan, "hook-builds", "the hook", plan.dist().resolve("bin/post-build-hook"));
    }

    /** What of it is Nix's own: it starts a process, and reads what that says until its end. */
    static Result emptyHook(Plan plan) throws IOException {
        return builds(plan, "hook-builds-empty", "a hook that does nothing", Path.of("/bin/true"));
    }

    private static Result builds(Plan plan, String id, String what, Path hook) throws IOException {
        int count = plan.pick(40, 200);
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world)) {
            Path folder = Files.createDirectory(world.dir.resolve("with-outputs"));
            Files.copy(compile(world, "out-paths"), folder.resolve("program"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
            Files.createSymbolicLink(folder.resolve("hook"), hook);
            Path outputs = Files.createDirectory(folder.resolve("outputs"));
            var salt = new int[1];
            Plan.Pairs pairs = Plan.interleave(
                    plan.pick(3, 5),
                    () -> {
                        double took = build(world, count, ++salt[0], outputs,
                                "--option", "post-build-hook", folder.resolve("program").toString());
                        queue.ask("wait");
                        return took;
                    },
                    () -> build(world, count, ++salt[0], outputs));
            var differences = new ArrayList<Double>();
            for (int i = 0; i < pairs.ours().size(); i++) {
                differences.add((pairs.ours().get(i) - pairs.reference().get(i)) / count);
            }
            return new Result(id, "%d builds of nothing, each with %s".formatted(count, what), "ms", pairs.ours(),
                    pairs.reference(), "the same without", null, Map.of("difference_per_build_ms", differences));
        }
    }

    private static double build(World world, int count, int salt, Path outputs, String... options) throws IOException {
        Path expression = Files.writeString(world.dir.resolve("builds-" + salt + ".nix"), """
                builtins.genList (n: derivation {
                  name = "build-%d-${toString n}"; system = builtins.currentSystem;
                  builder = "/bin/sh"; args = [ "-c" "echo ${toString n} >$out" ];
                }) %d
                """.formatted(salt, count));
        for (String line : world.run("nix-instantiate", "--eval", "--strict", "--json", "-E",
                "map (b: b.drvPath + \" \" + b.outPath) (import " + expression + ")").split("[\\[\\],\"]+")) {
            String[] words = line.strip().split(" ");
            if (words.length == 2) {
                Files.createSymbolicLink(outputs.resolve(Path.of(words[0]).getFileName()), Path.of(words[1]));
            }
        }
        var command = new ArrayList<>(List.of("nix-build", "--no-out-link", "-j1"));
        command.addAll(List.of(options));
        command.add(expression.toString());
        long began = System.nanoTime();
        world.run(command.toArray(String[]::new));
        return Plan.millisecondsSince(began);
    }

    /** A program of this folder. */
    private static Path compile(World world, String name) throws IOException {
        Path program = world.dir.resolve(name);
        world.run("cc", "-O2", "-s", "-o", program.toString(), System.getProperty("bench.sources") + "/" + name + ".c");
        return program;
    }
}
