import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How much longer Nix's builds take with the hook. */
final class Builds {
    private Builds() {}

    /** So many builds of nothing by Nix, with the hook and without. */
    static Result withHook(Plan plan) throws IOException {
        return builds(plan, "hook-builds", "the hook", plan.dist().resolve("bin/post-build-hook"));
    }

    /** What of it is Nix's own: it starts a process, and reads what that says until its end. */
    static Result withEmptyHook(Plan plan) throws IOException {
        return builds(plan, "hook-builds-empty", "a hook that does nothing", Path.of("/bin/true"));
    }

    private static Result builds(Plan plan, String id, String what, Path hook) throws IOException {
        int count = plan.pick(40, 200);
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true");
                WorkerProcess queue = WorkerProcess.start(world)) {
            Path folder = Files.createDirectory(world.dir.resolve("with-outputs"));
            world.run("cc", "-O2", "-s", "-o", folder.resolve("program").toString(),
                    System.getProperty("bench.sources") + "/out-paths.c");
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
}
