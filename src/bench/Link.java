import hookqueue.testkit.Client;
import hookqueue.testkit.World;
import hookqueue.testkit.WorkerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A lane with several child processes on a link that is long or slow, with the newest Nix that there is. */
final class Link {
    private static final Path ROOTS = Path.of("/var/cache/nix-post-build-hook-queue-test");

    private Link() {}

    /**
     * Nix of the newest Debian root that src/test/destinations/root.sh has made, else the machine's own. It is run by the root's own
     * loader: a chroot would cost each start some 50 ms.
     */
    static Path newestNix(World world) throws IOException {
        for (String suite : List.of("nix-sid", "nix-trixie")) {
            Path root = ROOTS.resolve(suite);
            if (!Files.exists(root.resolve("usr/bin/nix"))) {
                continue;
            }
            Path bin = Files.createDirectories(world.dir.resolve("bin"));
            for (String name : List.of("nix", "nix-store")) {
                world.script("bin/" + name, """
                        #!/bin/sh
                        exec %1$s/usr/lib64/ld-linux-x86-64.so.2 --argv0 %2$s --library-path \\
                            %1$s/usr/lib/x86_64-linux-gnu:%1$s/usr/lib/x86_64-linux-gnu/nix %1$s/usr/bin/nix "$@"
                        """.formatted(root, name));
            }
            world.set("NPBHQ_NIX", bin.resolve("nix"));
            return bin.resolve("nix");
        }
        return Path.of("nix");
    }

    static Result http(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var cache = new HttpCache(world);
                var wire = new Delay(cache.port(), 25)) {
            Path nix = newestNix(world);
            List<String> paths = world.add("far", 100, 4000);
            String url = "http://127.0.0.1:" + wire.port() + "?compression=none";
            var pairs = Drain.measure(plan.pick(2, 5), world, nix.toString(), paths, url, cache::forget,
                    () -> paths.stream().filter(cache::has).count());
            return Result.ratio("far-http", "100 queued paths over http:// with 50 ms of round-trip time, signed",
                    "nix store sign; nix copy", 0.4, pairs.ours(), pairs.reference());
        }
    }

    /** How long small paths take that are queued 2 s after a large one, and how long that takes. */
    static List<Result> behind(Plan plan) throws IOException {
        var results = new ArrayList<Result>();
        for (var each : List.of(new int[] {1, 20}, new int[] {2, 20}, new int[] {1, 200})) {
            var small = new ArrayList<Double>();
            var large = new ArrayList<Double>();
            var alone = new ArrayList<Double>();
            for (int run = 0; run < plan.pick(1, 5); run++) {
                behind(plan, each[0], 0, alone, alone);
                behind(plan, each[0], each[1], large, small);
            }
            String name = each[1] + " small paths queued 2 s after " + each[0] + " × 100 MB at 10 MB/s";
            String id = "behind-" + each[0] + "-" + each[1];
            results.add(new Result(id, name, "ms", small, List.of(), "", Result.Goal.atMost(2000), Map.of()));
            results.add(Result.ratio(id + "-large", "the large ones meanwhile", "without the small ones", 1.1, large, alone));
        }
        return results;
    }

    private static void behind(Plan plan, int large, int small, List<Double> largeTimes, List<Double> smallTimes)
            throws IOException {
        try (var world = World.kept(plan.dist());
                var cache = new HttpCache(world);
                var wire = new Delay(cache.port(), 1, 10_000_000)) {
            newestNix(world);
            List<String> big = world.add("large", large, 100_000_000);
            List<String> little = small == 0 ? List.of() : world.add("small", small, 4000);
            world.set("NPBHQ_UPLOAD_TO", "http://127.0.0.1:" + wire.port() + "?compression=none");
            try (WorkerProcess queue = WorkerProcess.start(world);
                    var client = new Client(world.socket)) {
                long began = System.nanoTime();
                client.ask(String.join(" ", big));
                if (small > 0) {
                    World.pause(2000);
                    long then = System.nanoTime();
                    client.ask("queue tag=small " + String.join(" ", little));
                    client.ask("wait tag=small");
                    smallTimes.add(Plan.millisecondsSince(then));
                    Drain.check(little.stream().filter(cache::has).count(), small);
                }
                client.ask("wait");
                largeTimes.add(Plan.millisecondsSince(began));
                Drain.check(big.stream().filter(cache::has).count(), large);
            }
        }
    }

    /** Bytes on the wire for paths that share what the destination lacks, against all of them once. */
    static List<Result> bytes(Plan plan) throws IOException {
        String script = "let mk = n: bytes: deps: derivation { name = n; system = builtins.currentSystem; builder = \"/bin/sh\";"
                + " inherit deps; args = [ \"-c\" \"echo ${toString deps} > $out; PATH=/bin:/usr/bin head -c ${toString bytes}"
                + " /dev/urandom >> $out\" ]; };";
        return List.of(
                bytes(plan, "eight", "8 paths over a dependency of 20 MB",
                        script + " dep = mk \"dep\" 20000000 []; in builtins.genList (i: mk \"top-${toString i}\" 1000 [dep]) 8"),
                bytes(plan, "chain", "a chain of ten with 2 MB each",
                        script + " chain = n: if n == 0 then [] else let below = chain (n - 1); in below ++ [(mk \"link-${toString n}\" 2000000"
                                + " (if below == [] then [] else [(builtins.elemAt below (n - 2))]))]; in chain 10"),
                bytes(plan, "diamond", "a diamond over 20 MB",
                        script + " a = mk \"a\" 20000000 []; b = mk \"b\" 1000 [a]; c = mk \"c\" 1000 [a]; in [ a b c (mk \"d\" 1000 [b c]) ]"));
    }

    private static Result bytes(Plan plan, String id, String name, String expression) throws IOException {
        var sent = new ArrayList<Double>();
        var once = new ArrayList<Double>();
        for (int run = 0; run < plan.pick(1, 3); run++) {
            try (var world = World.kept(plan.dist());
                    var cache = new HttpCache(world);
                    var wire = new Delay(cache.port(), 5)) {
                newestNix(world);
                List<String> paths = world.build(expression);
                world.set("NPBHQ_UPLOAD_TO", "http://127.0.0.1:" + wire.port() + "?compression=none");
                try (WorkerProcess queue = WorkerProcess.start(world);
                        var client = new Client(world.socket)) {
                    client.ask(String.join(" ", paths));
                    client.ask("wait");
                }
                Drain.check(paths.stream().filter(cache::has).count(), paths.size());
                sent.add(wire.sent() / 1e6);
                once.add(world.run(command("nix-store", "--query", "--size", paths)).lines()
                        .mapToLong(Long::parseLong).sum() / 1e6
                        + (id.equals("eight") ? 20.0 : 0));
            }
        }
        return new Result("bytes-" + id, "bytes on the wire for " + name, "MB", sent, once, "each of them once",
                Result.Goal.atMost(1.05), Map.of());
    }

    private static String[] command(String program, String verb, String what, List<String> paths) {
        var words = new ArrayList<>(List.of(program, verb, what));
        words.addAll(paths);
        return words.toArray(String[]::new);
    }
}
