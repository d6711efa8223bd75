import hookqueue.testkit.Client;
import hookqueue.testkit.Folders;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How long a queue takes to deliver what waits in it, against one `nix store sign` and one `nix copy` of the same
 * paths. Both find the paths unsigned and the destination empty, each time.
 */
final class Drain {
    private Drain() {}

    static Result file(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist())) {
            Path cache = world.dir.resolve("cache");
            List<String> paths = world.add("drain", 200, 4000);
            var pairs = measure(plan.runs(), world, paths, "file://" + cache, () -> world.setAside(cache), () -> {
                try (var files = Files.list(cache)) {
                    return files.filter(file -> file.toString().endsWith(".narinfo")).count();
                }
            });
            return Result.ratio("drain-file", "200 queued paths to file://, signed", "nix store sign; nix copy", 1.2,
                    pairs.ours(), pairs.reference());
        }
    }

    static Result ssh(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var sshd = new Sshd(world).start()) {
            var pairs = measure(plan.runs(), world, sshd, 100);
            return Result.ratio("drain-ssh", "100 queued paths to ssh:// on loopback, signed",
                    "nix store sign; nix copy", 1.2, pairs.ours(), pairs.reference());
        }
    }

    static Result far(Plan plan) throws IOException {
        try (var world = World.kept(plan.dist());
                var sshd = new Sshd(world).start();
                var wire = new Delay(sshd.port(), 25)) {
            sshd.connectTo(wire.port());
            Path nix = Link.newestNix(world);
            List<String> paths = world.add("drain", 100, 4000);
            var pairs = measure(plan.pick(2, 5), world, nix.toString(), paths, sshd.url(), sshd::forget,
                    () -> paths.stream().filter(sshd::has).count());
            return Result.ratio("drain-far", "the same over ssh:// with 50 ms of round-trip time",
                    "nix store sign; nix copy", 0.4, pairs.ours(), pairs.reference());
        }
    }

    private static Plan.Pairs measure(int runs, World world, Sshd sshd, int count) throws IOException {
        List<String> paths = world.add("drain", count, 4000);
        return measure(runs, world, paths, sshd.url(), sshd::forget, () -> paths.stream().filter(sshd::has).count());
    }

    /** Empties a destination. */
    interface Emptying {
        void run() throws IOException;
    }

    /** Counts what is in it. */
    interface Counting {
        long run() throws IOException;
    }

    private static Plan.Pairs measure(
            int runs, World world, List<String> paths, String url, Emptying empty, Counting count) throws IOException {
        return measure(runs, world, "nix", paths, url, empty, count);
    }

    static Plan.Pairs measure(
            int runs, World world, String nix, List<String> paths, String url, Emptying empty, Counting count)
            throws IOException {
        world.set("NPBHQ_UPLOAD_TO", url).set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        Path database = world.dir.resolve("var/db/db.sqlite");
        byte[] unsigned = Files.readAllBytes(database);
        Emptying fresh = () -> {
            empty.run();
            Folders.delete(world.dir.resolve("cache-home"));
            Files.deleteIfExists(Path.of(database + "-wal"));
            Files.deleteIfExists(Path.of(database + "-shm"));
            Files.write(database, unsigned);
        };
        var sign = command(List.of(nix, "store", "sign", "--key-file", world.key.toString()), paths);
        var copy = command(List.of(nix, "copy", "--to", url), paths);
        return Plan.interleave(
                runs,
                () -> {
                    fresh.run();
                    double took = drain(world, paths);
                    check(count.run(), paths.size());
                    return took;
                },
                () -> {
                    fresh.run();
                    long began = System.nanoTime();
                    world.run(sign);
                    world.run(copy);
                    double took = Plan.millisecondsSince(began);
                    check(count.run(), paths.size());
                    return took;
                });
    }

    /** From `resume` until all are delivered. */
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

    private static String[] command(List<String> words, List<String> paths) {
        var all = new ArrayList<>(words);
        all.addAll(paths);
        return all.toArray(String[]::new);
    }

    static void check(long found, long expected) throws IOException {
        if (found != expected) {
            throw new IOException(found + " of " + expected + " paths have arrived");
        }
    }
}
