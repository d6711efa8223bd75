import hookqueue.testkit.World;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The setting of where a script's queue delivers to: two caches and a program. Scripts take one out, mistype its URL, and
 * give it a name or take the name away.
 */
final class Destinations {
    /** By the names that the fake Nix knows them by. */
    static final List<String> ALL = List.of("near", "far", "program");

    /** Those to which a path goes together with what it needs. */
    static final List<String> STORES = List.of("near", "far");

    /** The one that may get several child processes at a time. */
    static final String PARALLEL = "far";

    private static final String NAMED = "named_";
    private static final String TYPO = "typo-";

    private final World world;
    private final Set<String> named = new HashSet<>();

    /** Which one is not in the setting; empty for none. */
    private String without = "";

    /** Which one has a wrong URL; empty for none. */
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

    /** Where the fake Nix then believes that a destination is. */
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

    /** How the worker calls it now. */
    String lane(String destination) {
        return isNamed(destination) ? NAMED + destination : url(destination, destination);
    }

    /** Which one the worker means, by a name that it has or had; the same when that is none. */
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
        var words = new ArrayList<String>();
        for (String each : ALL) {
            if (!each.equals(without)) {
                words.add((isNamed(each) ? NAMED + each + "=" : "") + url(each, each.equals(mistyped) ? typo(each) : each));
            }
        }
        world.set("NPBHQ_UPLOAD_TO", words.stream().collect(Collectors.joining(" ")));
    }
}
