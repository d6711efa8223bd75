import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A build machine's busy hour, for the picture of the dashboard: paths that come one by one, two large builds, a cache
 * that is down for an eighth of the time, and one path that is gone before it is delivered.
 */
final class Hour {
    private static final int BYTES = 200_000;

    private Hour() {}

    /** Whether all went as it should. */
    static boolean run(Path dist, int minutes, Path metrics) throws IOException {
        int seconds = minutes * 60;
        var random = new Random(minutes);
        try (var world = new World(dist)) {
            Path cache = world.dir.resolve("cache");
            Path announce = world.script("announce", "#!/bin/sh\nsleep 0.3\n");
            world.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key)
                    .set("NPBHQ_UPLOAD_TO", "file://" + cache + " exec:" + announce)
                    .set("NPBHQ_METRICS_FILE", metrics);
            List<String> paths = world.add("hour", seconds / 2, BYTES);
            int arrived = 0;
            try (Queue queue = Queue.listen(world)) {
                long began = System.nanoTime();
                for (int now = 0; now < seconds; now++) {
                    Soak.outage(cache, now >= seconds * 4 / 8 && now < seconds * 5 / 8);
                    boolean largeBuild = now == seconds * 2 / 8 || now == seconds * 7 / 8;
                    int some = largeBuild ? 150 : random.nextInt(5) == 0 ? 1 : 0;
                    for (int i = 0; i < some && arrived < paths.size(); i++) {
                        world.run(Map.of("OUT_PATHS", paths.get(arrived++)), world.hook().toString());
                    }
                    if (now == seconds * 9 / 16) {
                        // A path that nobody has: it fails in the outage, where nothing else does.
                        world.run(Map.of("OUT_PATHS", gone(world)), world.hook().toString());
                    }
                    Queue.pause(Math.max(0, (now + 1) * 1000L - (System.nanoTime() - began) / 1_000_000));
                }
                queue.ask("retry");
                String failed = String.join("\n", queue.lines("failed"));
                System.out.printf("%d paths arrived; failed: %s%n", arrived, failed);
                long delivered;
                try (var files = Files.list(cache)) {
                    delivered = files.filter(file -> file.toString().endsWith(".narinfo")).count();
                }
                return delivered == arrived && failed.lines().count() <= 2;
            }
        }
    }

    private static String gone(World world) {
        return world.store + "/" + "0".repeat(32) + "-collected-too-early";
    }
}
