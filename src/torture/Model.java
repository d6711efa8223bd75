import hookqueue.testkit.FakeNix;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** The promises that the queue has made so far, from which {@link FinalCheck} derives the expected final state. */
final class Model {
    /** The filter that scripts switch on and off. */
    static final String EXCLUDED = "^sometimes-";

    private final World world;

    /** Acknowledged paths: the hook was silent or spooled them, or the client got "ok". */
    private final Set<String> accepted = new LinkedHashSet<>();

    /** All paths that were handed over, acknowledged or not. */
    private final Set<String> offered = new LinkedHashSet<>();

    /** Paths that were deleted from the store. */
    private final Set<String> vanished = new LinkedHashSet<>();

    /** Paths that the removed destination need not get, because they may have been queued while it was removed. */
    private final Set<String> excused = new LinkedHashSet<>();

    /** Paths that were excused until they were queued again. */
    private final Set<String> onceExcused = new LinkedHashSet<>();

    /** Paths that a hook spooled or only rooted. The worker may have taken them too, and acknowledged too late. */
    private final Set<String> spooled = new LinkedHashSet<>();

    /** Spooled paths whose hook did not finish that. */
    private final Set<String> interrupted = new LinkedHashSet<>();

    /** Paths that were, or may have been, dropped, and not queued again since. */
    private final Set<String> dropped = new LinkedHashSet<>();

    /** Paths that were queued while no root could be made. */
    private final Set<String> unrooted = new LinkedHashSet<>();

    /** Paths that were only in a database that was lost. */
    private final Set<String> lost = new LinkedHashSet<>();

    /** The dependency of each path that has one; empty for dependencies. No client queues a dependency. */
    private final Map<String, String> dependencies = new HashMap<>();

    /** The {@link #moment} at which each path was last accepted. */
    private final Map<String, Integer> acceptedAt = new HashMap<>();

    /** The {@link #moment} at which a destination lost a path, by "DESTINATION PATH". */
    private final Map<String, Integer> lostAt = new HashMap<>();

    private int moment;
    private boolean rootsFolderIsGone;
    private boolean noRootsCanBeMade;
    private boolean destinationIsRemoved;
    private boolean filtered;
    private int made;

    Model(World world) {
        this.world = world;
    }

    /** New paths: a destination refuses one in ten, and a filter may exclude one in ten. */
    synchronized List<String> newPaths(int count, Random random) throws IOException {
        var paths = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            paths.add(newPath(random.nextInt(10) == 0
                    ? "refused-by-" + Destinations.ALL.get(random.nextInt(Destinations.ALL.size()))
                    : random.nextInt(10) == 0 ? "sometimes" : "path"));
        }
        return paths;
    }

    /** A new path that every destination accepts. */
    String plainPath() throws IOException {
        return newPath("path");
    }

    List<String> plainPaths(int count) throws IOException {
        var paths = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            paths.add(plainPath());
        }
        return paths;
    }

    /** A new path that the first destination refuses. */
    String refusedPath() throws IOException {
        return newPath("refused-by-" + Destinations.ALL.getFirst());
    }

    /** A new derivation; only for the fake Nix. */
    String derivation() throws IOException {
        return newPath("path", ".drv", "");
    }

    /** A new path that no client queues. */
    synchronized String dependency() throws IOException {
        String path = inStore("dependency", "", "");
        dependencies.put(path, "");
        return path;
    }

    /** A new path that every destination accepts, with a dependency that only the fake Nix knows. */
    synchronized String dependent(String dependency) throws IOException {
        String path = newPath("path", "", dependency + "\n");
        dependencies.put(path, dependency);
        return path;
    }

    private String newPath(String kind) throws IOException {
        return newPath(kind, "", "");
    }

    private synchronized String newPath(String kind, String suffix, String content) throws IOException {
        String path = inStore(kind, suffix, content);
        offered.add(path);
        if (destinationIsRemoved) {
            excused.add(path);
        }
        return path;
    }

    private String inStore(String kind, String suffix, String content) throws IOException {
        String name = kind + "-" + made + suffix;
        String path = ScriptRun.REAL_NIX.isEmpty()
                ? Files.writeString(world.store.resolve("%032d-%s".formatted(made, name)), content).toString()
                : world.add(name, 1, 200).getFirst();
        made++;
        return path;
    }

    synchronized String anyOffered(Random random) {
        return List.copyOf(offered).get(random.nextInt(offered.size()));
    }

    synchronized void accept(List<String> paths) {
        accepted.addAll(paths);
        moment++;
        paths.forEach(path -> acceptedAt.put(path, moment));
        paths.forEach(dropped::remove);
        paths.forEach(lost::remove);
        if (rootsFolderIsGone || noRootsCanBeMade) {
            unrooted.addAll(paths);
        }
        if (destinationIsRemoved) {
            excused.addAll(paths);
        } else {
            paths.stream().filter(excused::remove).forEach(onceExcused::add);
        }
    }

    synchronized void spool(List<String> paths) {
        spooled.addAll(paths);
    }

    /** A hook was killed, or gave up, while it spooled the paths. */
    synchronized void interruptedSpool(List<String> paths) {
        spool(paths);
        interrupted.addAll(paths);
    }

    /** A destination loses a path. It must get the path again with the next upload of it or of a path that needs it. */
    synchronized void lose(String destination, String path) {
        lostAt.put(destination + " " + path, ++moment);
    }

    /** Whether a destination may lack a path that it had, because {@code queued} was not queued since. */
    synchronized boolean mayLack(String destination, String path, String queued) {
        return lostAt.getOrDefault(destination + " " + path, 0) > acceptedAt.getOrDefault(queued, 0);
    }

    /** The dependency of a path; empty for none. */
    synchronized String dependencyOf(String path) {
        return dependencies.getOrDefault(path, "");
    }

    /** Whether other paths need this path, and no client queued it. */
    synchronized boolean isDependency(String path) {
        return dependencies.containsKey(path) && !offered.contains(path);
    }

    /** The remaining work of the removed destination is dropped. */
    synchronized void retire() {
        excused.addAll(offered);
    }

    synchronized boolean hasInterruptedSpools() {
        return !interrupted.isEmpty();
    }

    synchronized void drop(String path) {
        dropped.add(path);
    }

    /** The folder for roots disappears with its roots, or comes back. */
    synchronized void rootsFolder(boolean gone) {
        rootsFolderIsGone = gone;
        if (gone) {
            unrooted.addAll(offered);
        }
    }

    /** These roots exist. They protect their paths from now on until they are settled. */
    synchronized void rooted(Set<String> roots) {
        unrooted.removeIf(path -> roots.contains(baseName(path)));
    }

    /** System calls on the folder for roots begin or cease to fail. */
    synchronized void noRootsCanBeMade(boolean failing) {
        noRootsCanBeMade = failing;
    }

    /**
     * A destination is removed from the settings, or added back.
     *
     * @param databaseIsLost whether the worker may fill the database from the roots meanwhile, and not only from the spool
     */
    synchronized void removedDestination(boolean removed, boolean databaseIsLost) {
        destinationIsRemoved = removed;
        if (removed) {
            excused.addAll(databaseIsLost ? offered : spooled);
        }
    }

    /**
     * The database is lost.
     *
     * @param rooted the names of the existing roots; roots in a folder that is gone may come back too late
     */
    synchronized void databaseIsLost(Set<String> rooted) {
        if (destinationIsRemoved) {
            excused.addAll(offered);
        }
        // A root restores its path, but not the fact that it was queued again for a new destination.
        excused.addAll(onceExcused);
        unrooted.stream().filter(path -> !rooted.contains(baseName(path))).forEach(lost::add);
    }

    /** The filter excludes some paths from now on, including queued ones. */
    synchronized void filtered() {
        filtered = true;
    }

    /** Whether a destination must get a path, unless it refuses it. */
    synchronized boolean owes(String path, String destination) {
        boolean isExcluded = filtered && path.contains("-sometimes-");
        boolean isExcused = destination.equals(Destinations.REMOVED_AT_TIMES) && excused.contains(path);
        return !isExcluded && !isExcused && !dropped.contains(path) && !lost.contains(path);
    }

    /** Deletes unrooted paths from the store. Returns those that should have had a root. */
    synchronized List<String> collect(Set<String> rooted, FakeNix nix) throws IOException {
        var wrong = new ArrayList<String>();
        for (String path : offered) {
            if (!rooted.contains(baseName(path)) && Files.deleteIfExists(Path.of(path))) {
                boolean settled = Destinations.ALL.stream()
                        .allMatch(each -> nix.has(each, path) || mayLack(each, path, path) || !owes(path, each));
                if (accepted.contains(path) && !settled && !unrooted.contains(path)) {
                    wrong.add(path);
                }
                vanished.add(path);
            }
        }
        return wrong;
    }

    /** Deletes a path from the store, whether it is delivered or not. */
    synchronized void vanish(Random random) throws IOException {
        String path = anyOffered(random);
        Files.deleteIfExists(Path.of(path));
        vanished.add(path);
    }

    synchronized Set<String> accepted() {
        return Set.copyOf(accepted);
    }

    synchronized Set<String> offered() {
        return Set.copyOf(offered);
    }

    /** How many deliveries of a path a lane may count. */
    synchronized int mostCounted(String path) {
        return spooled.contains(path) ? 2 : 1;
    }

    /** Whether the root of a settled path may exist: a worker may have delivered it before its hook was interrupted. */
    synchronized boolean mayStayRooted(String name) {
        return interrupted.contains(world.store + "/" + name);
    }

    /** Whether a lane may not have counted a path that it delivered. */
    synchronized boolean mayBeUncounted(String path) {
        return dropped.contains(path);
    }

    synchronized boolean hasVanished(String path) {
        return vanished.contains(path);
    }

    static boolean isRefused(String path, String destination) {
        return path.contains("-refused-by-" + destination + "-");
    }

    static String baseName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
