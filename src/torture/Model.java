import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** What the queue has promised so far, and so what must be true when everything has come to rest. */
final class Model {
    private final World world;

    /** Those whose hook was silent or spoke of the spool only, or whose line was answered with ok. */
    private final Set<String> accepted = new LinkedHashSet<>();

    /** Those that were handed over and may or may not have been taken: nobody was told that they were. */
    private final Set<String> offered = new LinkedHashSet<>();

    /** Those that somebody has taken from the store. */
    private final Set<String> vanished = new LinkedHashSet<>();

    private int made;

    Model(World world) {
        this.world = world;
    }

    /** So many new paths; one in ten is of those that a destination refuses for ever. */
    synchronized List<String> newPaths(int count, Random random) throws IOException {
        var paths = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            String name = random.nextInt(10) == 0
                    ? "refused-by-" + FakeNix.LANES.get(random.nextInt(FakeNix.LANES.size())) + "-" + made
                    : "path-" + made;
            Path path = Files.createFile(world.store.resolve("%032d-%s".formatted(made++, name)));
            paths.add(path.toString());
            offered.add(path.toString());
        }
        return paths;
    }

    synchronized void accept(List<String> paths) {
        accepted.addAll(paths);
    }

    /** One that may still be on its way is taken from the store. */
    synchronized void vanish(Random random) throws IOException {
        if (!offered.isEmpty()) {
            String path = List.copyOf(offered).get(random.nextInt(offered.size()));
            Files.deleteIfExists(Path.of(path));
            vanished.add(path);
        }
    }

    synchronized Set<String> accepted() {
        return Set.copyOf(accepted);
    }

    synchronized Set<String> offered() {
        return Set.copyOf(offered);
    }

    boolean hasVanished(String path) {
        return vanished.contains(path);
    }

    static boolean isRefused(String path, String lane) {
        return path.contains("-refused-by-" + lane + "-");
    }

    static boolean isRefused(String path) {
        return path.contains("-refused-by-");
    }
}
