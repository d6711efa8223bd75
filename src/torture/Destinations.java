import hookqueue.testkit.World;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The setting NPBHQ_UPLOAD_TO: two caches and a program. Scripts remove one, mistype its URL, and give it a name. */
final class Destinations {
    /** The names by which the fake Nix knows them. */
    static final List<String> ALL = List.of("near", "far", "program");

    /** The destinations that get a path together with its dependencies. */
    static final List<String> STORES = List.of("near", "far");

    /** The destination that may get several child processes at a time. */
    static final String PARALLEL = "far";

    /** The destination that scripts remove from the settings. */
    static final String REMOVED_AT_TIMES = "far";

    private static final String NAMED = "named_";
    private static final String TYPO = "typo-";

    private final World world;
    private final Set<String> named = new HashSet<>();

    /** The destination that is not in the setting; empty for none. */
    private String without = "";

    /** The destination that has a wrong URL; empty for none. */
    private String mistyped = "";

    Destinations(World world) {
        this.world = world;
        apply();
    }

    String without() {
        return without;
    }

    void without(String destination) {
        without = destination;
        apply();
    }

    void mistype(String destination) {
        mistyped = destination;
        apply();
    }

    /** The name by which the fake Nix knows the wrong URL. */
    static String typo(String destination) {
        return TYPO + destination;
    }

    /** From URL to NAME=URL, or back. */
    void rename(String destination) {
        if (!named.remove(destination)) {
            named.add(destination);
        }
        apply();
    }

    boolean isNamed(String destination) {
        return named.contains(destination);
    }

    /** The worker's current name for the destination. */
    String lane(String destination) {
        return isNamed(destination) ? NAMED + destination : url(destination, destination);
    }

    /** The destination of a lane, by its current or an earlier name; other lanes unchanged. */
    String of(String lane) {
        return ALL.stream()
                .filter(each -> lane.equals(url(each, each)) || lane.equals(NAMED + each))
                .findFirst()
                .orElse(lane);
    }

    /** A file:// destination gets one child process at a time, an http:// destination several. */
    private String url(String destination, String folder) {
        String scheme =
                switch (destination) {
                    case "near" -> "file://";
                    case "far" -> "http://localhost";
                    default -> "exec:";
                };
        return scheme + world.dir.resolve(folder);
    }

    private void apply() {
        world.set("NPBHQ_UPLOAD_TO", ALL.stream()
                .filter(each -> !each.equals(without))
                .map(each -> (isNamed(each) ? NAMED + each + "=" : "") + url(each, each.equals(mistyped) ? typo(each) : each))
                .collect(Collectors.joining(" ")));
    }
}
