import hookqueue.testkit.Client;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How fast the worker acknowledges paths over one connection, after they are on disk and rooted. */
final class Intake {
    private Intake() {}

    static List<Result> rates(Plan plan) throws IOException {
        int count = plan.pick(10_000, 100_000);
        var single = new ArrayList<Double>();
        var many = new ArrayList<Double>();
        var links = new ArrayList<Double>();
        try (var world = World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", "exec:/bin/true")) {
            List<String> paths = world.made("in", count);
            for (int run = 0; run < 5; run++) {
                single.add(rate(world, paths, 1));
                many.add(rate(world, paths, 100));
                links.add(links(world, paths));
            }
        }
        String what = "%,d paths in over one connection, %s, durable";
        return List.of(
                Result.plain("intake", what.formatted(count, "one a line"), "paths/s", Result.Goal.atLeast(20_000), single)
                        .with(Map.of("symlinks_per_s", links)),
                Result.plain("intake-100", what.formatted(count, "100 a line"), "paths/s", Result.Goal.atLeast(20_000), many));
    }

    /** The file system's share: how many links per second it can make. */
    private static double links(World world, List<String> paths) throws IOException {
        world.forget();
        long began = System.nanoTime();
        for (String path : paths) {
            Files.createSymbolicLink(world.roots.resolve(path.substring(path.lastIndexOf('/') + 1)), Path.of(path));
        }
        return paths.size() / ((System.nanoTime() - began) / 1e9);
    }

    private static double rate(World world, List<String> paths, int perLine) throws IOException {
        world.forget();
        try (WorkerProcess queue = WorkerProcess.start(world)) {
            queue.ask("pause");
            return paths.size() / send(world, paths, perLine);
        }
    }

    /** Sends all paths without waiting for answers. Returns the seconds until the last acknowledgement. */
    static double send(World world, List<String> paths, int perLine) throws IOException {
        try (var client = new Client(world.socket)) {
            int lines = (paths.size() + perLine - 1) / perLine;
            long began = System.nanoTime();
            var failed = new Exception[1];
            Thread sender = Thread.ofPlatform().start(() -> {
                try {
                    var text = new StringBuilder();
                    for (int i = 0; i < paths.size(); i++) {
                        text.append(paths.get(i)).append((i + 1) % perLine == 0 || i == paths.size() - 1 ? '\n' : ' ');
                        if (text.length() > 60_000) {
                            client.send(text.toString());
                            text.setLength(0);
                        }
                    }
                    client.send(text.toString());
                } catch (IOException e) {
                    failed[0] = e;
                }
            });
            for (int i = 0; i < lines; i++) {
                client.reply();
            }
            double took = (System.nanoTime() - began) / 1e9;
            sender.join();
            if (failed[0] != null) {
                throw new IOException(failed[0]);
            }
            return took;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
