import hookqueue.testkit.Client;
import hookqueue.testkit.Folders;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * How long a queue takes to deliver its paths, against one `nix store sign` and one `nix copy` of the same paths. Both
 * find the paths unsigned and the destination empty, each time.
 */
final class Drain {
    private static final String BY_HAND = "nix store sign; nix copy";

    private Drain() {}

    static Result file(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist())) {
            Path cache = world.dir.resolve("cache");
            var target = new Target("file://" + cache, () -> world.setAside(cache), path -> World.has(cache, path));
            return Result.ratio("drain-file", "200 queued paths to file://, signed", BY_HAND, 1.2,
                    measure(plan.runs(), world, Path.of("nix"), 200, target));
        }
    }

    static Result ssh(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var sshd = new Sshd(world).start()) {
            return Result.ratio("drain-ssh", "100 queued paths to ssh:// on loopback, signed", BY_HAND, 1.2,
                    measure(plan.runs(), world, Path.of("nix"), 100, new Target(sshd.url(), sshd::forget, sshd::has)));
        }
    }

    static Result far(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var sshd = new Sshd(world).start();
                var wire = new Delay(sshd.port(), 25)) {
            sshd.connectTo(wire.port());
            var target = new Target(sshd.url(), sshd::forget, sshd::has);
            return Result.ratio("drain-far", "the same over ssh:// with 50 ms of round-trip time", BY_HAND, 0.4,
                    measure(plan.pick(2, 5), world, Link.newestNix(world), 100, target));
        }
    }

    /** The second of two paths: the first one has opened the shared connection. */
    static Result single(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var sshd = new Sshd(world).start();
                var wire = new Delay(sshd.port(), 25)) {
            sshd.connectTo(wire.port());
            Link.newestNix(world);
            world.set("NPBHQ_UPLOAD_TO", sshd.url());
            String options = world.environment().get("NIX_SSHOPTS");
            Iterator<String> paths = world.add("single", 4 * (plan.runs() + 1), 4000).iterator();
            return Result.ratio("single-far", "a path over ssh:// with 50 ms of round-trip time, after another",
                    "without the shared connection", 0.6,
                    Plan.interleave(
                            plan.runs(),
                            () -> second(world.set("NIX_SSHOPTS", options), paths),
                            // The worker shares no connection if the operator's options are about that.
                            () -> second(world.set("NIX_SSHOPTS", options + " -o ControlMaster=no"), paths)));
        }
    }

    private static double second(World world, Iterator<String> paths) throws IOException {
        world.forget();
        try (WorkerProcess queue = WorkerProcess.start(world);
                var client = new Client(world.socket)) {
            client.ask(paths.next());
            client.ask("wait");
            long began = System.nanoTime();
            client.ask(paths.next());
            client.ask("wait");
            return Plan.millisecondsSince(began);
        }
    }

    /** A destination that can be emptied. */
    record Target(String url, Emptying empty, Finding has) {
        interface Emptying {
            void run() throws IOException;
        }

        interface Finding {
            boolean has(String path) throws IOException;
        }

        void mustHave(List<String> paths) throws IOException {
            for (String path : paths) {
                if (!has.has(path)) {
                    throw new IOException(path + " has not arrived at " + url);
                }
            }
        }
    }

    static Plan.Pairs measure(int runs, World world, Path nix, int count, Target target) throws IOException {
        world.set("NPBHQ_UPLOAD_TO", target.url).set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        List<String> paths = world.add("drain", count, 4000);
        Path database = world.dir.resolve("var/db/db.sqlite");
        byte[] unsigned = Files.readAllBytes(database);
        Target.Emptying reset = () -> {
            target.empty.run();
            Folders.delete(world.dir.resolve("cache-home"));
            Files.deleteIfExists(Path.of(database + "-wal"));
            Files.deleteIfExists(Path.of(database + "-shm"));
            Files.write(database, unsigned);
        };
        var sign = command(List.of(nix.toString(), "store", "sign", "--key-file", world.key.toString()), paths);
        var copy = command(List.of(nix.toString(), "copy", "--to", target.url), paths);
        return Plan.interleave(
                runs,
                () -> {
                    reset.run();
                    double took = drain(world, paths);
                    target.mustHave(paths);
                    return took;
                },
                () -> {
                    reset.run();
                    long began = System.nanoTime();
                    world.run(sign);
                    world.run(copy);
                    double took = Plan.millisecondsSince(began);
                    target.mustHave(paths);
                    return took;
                });
    }

    /** From `resume` until all paths are delivered. */
    private static double drain(World world, List<String> paths) throws IOException {
        world.forget();
        try (WorkerProcess queue = WorkerProcess.start(world);
                var client = new Client(world.socket)) {
            client.ask("pause");
            client.ask(String.join(" ", paths));
            long began = System.nanoTime();
            client.ask("resume");
            client.ask("wait");
            return Plan.millisecondsSince(began);
        }
    }

    static String[] command(List<String> words, List<String> paths) {
        var all = new ArrayList<>(words);
        all.addAll(paths);
        return all.toArray(String[]::new);
    }
}
