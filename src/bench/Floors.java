import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The hook compared with the least that a hook can do, and with other load. */
final class Floors {
    private Floors() {}

    /** Against a process that does nothing. */
    static Result shell(Plan plan) throws IOException {
        return beside(plan, "hook-shell", "a shell script that does nothing", world -> {
            Path script = world.script("nothing", "#!/bin/sh\n");
            return path -> script.toString();
        });
    }

    /** Against a datagram without an acknowledgement. */
    static Result datagram(Plan plan) throws IOException {
        return beside(plan, "hook-datagram", "a C program that sends a datagram, without a reply", world -> {
            Path program = compile(world, "datagram");
            Path sink = world.dir.resolve("datagrams");
            Process reader = world.builder(Map.of(), "socat", "-u", "UNIX-RECV:" + sink, "OPEN:/dev/null").start();
            Runtime.getRuntime().addShutdownHook(new Thread(reader::destroy));
            World.eventually(Duration.ofSeconds(10), "the socket for datagrams", () -> Files.exists(sink));
            return path -> "OUT_PATHS=" + path + " " + program + " " + sink;
        });
    }

    /** A thousand in a row, with as many busy processes as there are processors. */
    static Result busy(Plan plan) throws IOException {
        var loops = new ArrayList<Process>();
        try (var rig = new Rig(plan)) {
            for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                loops.add(rig.world.builder(Map.of(), "/bin/sh", "-c", "while :; do :; done").start());
            }
            var pairs = Plan.interleave(plan.pick(100, 1000), rig::hook, rig::socat);
            return Result.compared("hook-busy", "%,d hooks in a row, every processor busy".formatted(pairs.ours().size()),
                            "socat, the same line to a trivial server", pairs)
                    .with(Map.of(
                            "p99_ms", Stats.percentile(99, pairs.ours()),
                            "reference_p99_ms", Stats.percentile(99, pairs.reference())));
        } finally {
            loops.forEach(Process::destroyForcibly);
        }
    }

    private interface Preparing {
        Command prepare(World world) throws IOException;
    }

    private interface Command {
        String forPath(String path);
    }

    private static Result beside(Plan plan, String id, String against, Preparing preparing) throws IOException {
        try (var rig = new Rig(plan)) {
            Command reference = preparing.prepare(rig.world);
            return Result.compared(id, "hook, worker just started, through its acknowledgement", against,
                    Plan.interleave(
                            plan.manyRuns(), rig::settledHook, () -> rig.shell.time(reference.forPath(rig.path()))));
        }
    }

    /** Trivial builds by Nix, with the hook and without. */
    static Result builds(Plan plan) throws IOException {
        return builds(plan, "hook-builds", "the hook", plan.dist().resolve("bin/post-build-hook"));
    }

    /** Nix's own share of that: it starts a process, and reads its output to the end. */
    static Result emptyHook(Plan plan) throws IOException {
        return builds(plan, "hook-builds-empty", "a hook that does nothing", Path.of("/bin/true"));
    }

    private static Result builds(Plan plan, String id, String what, Path hook) throws IOException {
        int count = plan.pick(40, 200);
        try (var rig = new Rig(plan)) {
            Path folder = Files.createDirectory(rig.world.dir.resolve("with-outputs"));
            Files.copy(compile(rig.world, "out-paths"), folder.resolve("program"), StandardCopyOption.COPY_ATTRIBUTES);
            Files.createSymbolicLink(folder.resolve("hook"), hook);
            Path outputs = Files.createDirectory(folder.resolve("outputs"));
            var salt = new int[1];
            Plan.Pairs pairs = Plan.interleave(
                    plan.pick(3, 5),
                    () -> {
                        double took = build(rig.world, count, ++salt[0], outputs,
                                "--option", "post-build-hook", folder.resolve("program").toString());
                        rig.queue.ask("wait");
                        return took;
                    },
                    () -> build(rig.world, count, ++salt[0], outputs));
            var differences = new ArrayList<Double>();
            for (int i = 0; i < pairs.ours().size(); i++) {
                differences.add((pairs.ours().get(i) - pairs.reference().get(i)) / count);
            }
            return Result.compared(id, "%d builds of nothing, each with %s".formatted(count, what), "the same without", pairs)
                    .with(Map.of("difference_per_build_ms", differences));
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

    /** Compiles a C program of src/bench. */
    private static Path compile(World world, String name) throws IOException {
        Path program = world.dir.resolve(name);
        world.run("cc", "-O2", "-s", "-o", program.toString(), System.getProperty("bench.sources") + "/" + name + ".c");
        return program;
    }
}
