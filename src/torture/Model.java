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

/** What the queue has promised so far, and so what must be true when everything has come to rest. */
final class Model {
    /** The destination that scripts take out of the settings. */
    static final String COMES_AND_GOES = "far";

    /** What scripts exclude now and then. */
    static final String EXCLUDED = "^sometimes-";

    private final World world;

    /** Those whose hook was silent or spoke of the spool only, or whose line was answered with ok. */
    private final Set<String> accepted = new LinkedHashSet<>();

    /** Those that were handed over and may or may not have been taken: nobody was told that they were. */
    private final Set<String> offered = new LinkedHashSet<>();

    /** Those that somebody has taken from the store. */
    private final Set<String> vanished = new LinkedHashSet<>();

    /** Those that came while that one was out of the settings, or may have: it need not get them. */
    private final Set<String> excused = new LinkedHashSet<>();

    /** Those of them that had to get there after all, since they were queued again. */
    private final Set<String> onceExcused = new LinkedHashSet<>();

    /**
     * Those that a hook has left in the spool, or only rooted; the worker may have taken them as well, without an answer in
     * time.
     */
    private final Set<String> spooled = new LinkedHashSet<>();

    /** Those of them whose hook was ended at that. */
    private final Set<String> strays = new LinkedHashSet<>();

    /** Those that were dropped, or may have been, and not queued again since. */
    private final Set<String> dropped = new LinkedHashSet<>();

    /** Those that were taken while no root could be made. */
    private final Set<String> unprotected = new LinkedHashSet<>();

    /** Those that were only in a database that was lost. */
    private final Set<String> lost = new LinkedHashSet<>();

    /** Which path each path needs, of those that need one; nobody queues these. */
    private final Map<String, String> needs = new HashMap<>();

    /** When each path was accepted last, and each delivery lost at its destination ("LANE PATH"), by {@link #moment}. */
    private final Map<String, Integer> acceptedAt = new HashMap<>();

    private final Map<String, Integer> lostAt = new HashMap<>();

    private int moment;

    private boolean rootless;
    private boolean sick;

    private boolean away;
    private boolean filtered;
    private int made;

    Model(World world) {
        this.world = world;
    }

    /** So many new paths; one in ten is of those that a destination refuses for ever, one in ten of those that a filter excludes. */
    synchronized List<String> newPaths(int count, Random random) throws IOException {
        var paths = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            paths.add(newPath(random.nextInt(10) == 0
                    ? "refused-by-" + Destinations.ALL.get(random.nextInt(Destinations.ALL.size()))
                    : random.nextInt(10) == 0 ? "sometimes" : "path"));
        }
        return paths;
    }

    /** One that every destination takes. */
    String plainPath() throws IOException {
        return newPath("path");
    }

    /** One that the first destination refuses for ever. */
    String refusedPath() throws IOException {
        return newPath("refused-by-" + Destinations.ALL.getFirst());
    }

    /** A derivation. The real Nix would not take it for one. */
    String derivation() throws IOException {
        return newPath("path", ".drv", "");
    }

    /** One that no hook reports, which others need. */
    synchronized String dependency() throws IOException {
        String path = inStore("dependency", "", "");
        needs.put(path, "");
        return path;
    }

    /** One that every destination takes, and that needs another. The real Nix would not know of that. */
    synchronized String dependent(String dependency) throws IOException {
        String path = newPath("path", "", dependency + "\n");
        needs.put(path, dependency);
        return path;
    }

    private String newPath(String kind) throws IOException {
        return newPath(kind, "", "");
    }

    private String inStore(String kind, String suffix, String content) throws IOException {
        String name = kind + "-" + made + suffix;
        String path = Run.REAL_NIX.isEmpty()
                ? Files.writeString(world.store.resolve("%032d-%s".formatted(made, name)), content).toString()
                : world.add(name, 1, 200).getFirst();
        made++;
        return path;
    }

    private synchronized String newPath(String kind, String suffix, String content) throws IOException {
        String path = inStore(kind, suffix, content);
        offered.add(path);
        if (away) {
            excused.add(path);
        }
        return path;
    }

    synchronized void accept(List<String> paths) {
        accepted.addAll(paths);
        moment++;
        paths.forEach(path -> acceptedAt.put(path, moment));
        paths.forEach(dropped::remove);
        paths.forEach(lost::remove);
        if (rootless || sick) {
            unprotected.addAll(paths);
        }
        if (away) {
            excused.addAll(paths);
        } else {
            paths.stream().filter(excused::remove).forEach(onceExcused::add); // they are queued again
        }
    }

    synchronized void spool(List<String> paths) {
        spooled.addAll(paths);
    }

    /** The same, but the hook was ended, or had to end it. */
    synchronized void stray(List<String> paths) {
        spool(paths);
        strays.addAll(paths);
    }

    /** A destination has lost a path. Whoever queues it, or one that needs it, from now on, must find it there again. */
    synchronized void lose(String lane, String path) {
        lostAt.put(lane + " " + path, ++moment);
    }

    /** Whether a destination may lack a path that it once had, because nobody queued the other one since. */
    synchronized boolean mayLack(String lane, String path, String queued) {
        return lostAt.getOrDefault(lane + " " + path, 0) > acceptedAt.getOrDefault(queued, 0);
    }

    /** What a path needs; empty for nothing. */
    synchronized String needs(String path) {
        return needs.getOrDefault(path, "");
    }

    /** Whether others need a path that nobody queues. */
    synchronized boolean isDependency(String path) {
        return needs.containsKey(path) && !offered.contains(path);
    }

    /** What is left to be delivered to the destination that comes and goes is dropped. */
    synchronized void retire() {
        excused.addAll(offered);
    }

    synchronized boolean hasStrays() {
        return !strays.isEmpty();
    }

    synchronized void drop(String path) {
        dropped.add(path);
    }

    /** From now on no root can be made, or can be made again. Those that were there are gone meanwhile. */
    synchronized void rootless(boolean gone) {
        rootless = gone;
        if (gone) {
            unprotected.addAll(offered);
        }
    }

    /** From now on no root can be made because the disk says so, or can be made again. */
    synchronized void sick(boolean disk) {
        sick = disk;
    }

    /**
     * The destination that comes and goes is out of the settings from now on, or in them again. What is in the spool may
     * be taken in meanwhile, and so may all of it when the database is filled again from the roots.
     */
    synchronized void away(boolean gone, boolean databaseIsLost) {
        away = gone;
        if (gone) {
            excused.addAll(databaseIsLost ? offered : spooled);
        }
    }

    /**
     * The database is lost.
     *
     * @param rooted the names of the roots that there are; those that are away may come back too late
     */
    synchronized void databaseIsLost(Set<String> rooted) {
        if (away) {
            excused.addAll(offered);
        }
        // A root brings back a path, but not that it was queued again since, for a destination that was new.
        excused.addAll(onceExcused);
        unprotected.stream()
                .filter(path -> !rooted.contains(Path.of(path).getFileName().toString()))
                .forEach(lost::add); // there is no root to bring them back
    }

    /** Some paths are excluded from now on, and need not be delivered even if they were queued before. */
    synchronized void filtered() {
        filtered = true;
    }

    /** Whether a destination must have got a path, unless it refuses it. */
    synchronized boolean owes(String path, String lane) {
        return !(filtered && path.contains("-sometimes-")) && !dropped.contains(path) && !lost.contains(path) && (!lane.equals(COMES_AND_GOES) || !excused.contains(path));
    }

    /** What has no root is taken from the store. Returns what should have had one. */
    synchronized List<String> collect(Set<String> rooted, FakeNix nix) throws IOException {
        var wrong = new ArrayList<String>();
        for (String path : offered) {
            Path file = Path.of(path);
            if (!rooted.contains(file.getFileName().toString()) && Files.deleteIfExists(file)) {
                boolean settled = Destinations.ALL.stream()
                        .allMatch(lane -> nix.has(lane, path) || mayLack(lane, path, path) || !owes(path, lane));
                if (accepted.contains(path) && !settled && !unprotected.contains(path)) {
                    wrong.add(path);
                }
                vanished.add(path);
            }
        }
        return wrong;
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

    /** How often a lane that has taken a path may count it. */
    synchronized int mostCounted(String path) {
        return spooled.contains(path) ? 2 : 1;
    }

    /**
     * Whether the root of a settled path may be there: its hook was at work on the spool when the worker, which it had not
     * heard of, delivered the path, and was ended before it had done that work.
     */
    synchronized boolean mayStayRooted(String name) {
        return strays.contains(world.store + "/" + name);
    }

    /** Whether a lane that has taken a path need not count it at all. */
    synchronized boolean mayBeUncounted(String path) {
        return dropped.contains(path);
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
