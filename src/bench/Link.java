import hookqueue.testkit.CacheServer;
import hookqueue.testkit.Client;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A lane with several child processes on a link with delay or little bandwidth, with the newest Nix of this machine. */
final class Link {
    private static final Path ROOTS = Path.of("/var/cache/nix-post-build-hook-queue-test");

    private Link() {}

    /**
     * Nix of the newest Debian root that src/test/destinations/root.sh has made, else this machine's Nix. The root's own
     * loader runs it, because a chroot would delay each start by some 50 ms.
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

    /** A binary cache behind a wire. */
    private record FarCache(World world, CacheServer cache, Delay wire) implements AutoCloseable {
        static FarCache of(Plan plan, int milliseconds, long bytesPerSecond) throws IOException {
            World world = World.kept(plan.dist());
            newestNix(world);
            var cache = new CacheServer(world.dir.resolve("http"), world.store.toString());
            var far = new FarCache(world, cache, new Delay(cache.port(), milliseconds, bytesPerSecond));
            world.set("NPBHQ_UPLOAD_TO", far.target().url());
            return far;
        }

        Drain.Target target() {
            return new Drain.Target("http://127.0.0.1:" + wire.port() + "?compression=none", this::forget, cache::has);
        }

        private void forget() throws IOException {
            world.setAside(world.dir.resolve("http"));
            cache.makeFolder();
        }

        @Override
        public void close() throws IOException {
            wire.close();
            cache.close();
            world.close();
        }
    }

    static Result http(Plan plan) throws IOException {
        try (var far = FarCache.of(plan, 25, Long.MAX_VALUE)) {
            return Result.ratio("far-http", "100 queued paths over http:// with 50 ms of round-trip time, signed",
                    "nix store sign; nix copy", 0.4,
                    Drain.measure(plan.pick(2, 5), far.world, newestNix(far.world), 100, far.target()));
        }
    }

    /** The time of small paths that are queued 2 s after a large one, and the time of the large one. */
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
            results.add(Result.plain(id, name, "ms", Result.Goal.atMost(2000), small));
            results.add(Result.ratio(id + "-large", "the large ones meanwhile", "without the small ones", 1.1,
                    new Plan.Pairs(large, alone)));
        }
        return results;
    }

    private static void behind(Plan plan, int large, int small, List<Double> largeTimes, List<Double> smallTimes)
            throws IOException {
        try (var far = FarCache.of(plan, 1, 10_000_000)) {
            List<String> big = far.world.add("large", large, 100_000_000);
            List<String> little = small == 0 ? List.of() : far.world.add("small", small, 4000);
            try (WorkerProcess queue = WorkerProcess.start(far.world);
                    var client = new Client(far.world.socket)) {
                long began = System.nanoTime();
                client.ask(String.join(" ", big));
                if (small > 0) {
                    World.pause(2000);
                    long then = System.nanoTime();
                    client.ask("queue tag=small " + String.join(" ", little));
                    client.ask("wait tag=small");
                    smallTimes.add(Plan.millisecondsSince(then));
                    far.target().mustHave(little);
                }
                client.ask("wait");
                largeTimes.add(Plan.millisecondsSince(began));
                far.target().mustHave(big);
            }
        }
    }

    /** Bytes on the wire for paths that share missing dependencies, against the size of each path once. */
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
            try (var far = FarCache.of(plan, 5, Long.MAX_VALUE)) {
                List<String> paths = far.world.build(expression);
                try (WorkerProcess queue = WorkerProcess.start(far.world)) {
                    queue.ask(String.join(" ", paths));
                    queue.ask("wait");
                }
                far.target().mustHave(paths);
                sent.add(far.wire.sent() / 1e6);
                once.add(far.world.run(Drain.command(List.of("nix-store", "--query", "--size"), paths)).lines()
                        .mapToLong(Long::parseLong).sum() / 1e6
                        + (id.equals("eight") ? 20.0 : 0));
            }
        }
        return new Result("bytes-" + id, "bytes on the wire for " + name, "MB", sent, once, "each of them once",
                Result.Goal.atMost(1.05), Map.of());
    }
}
