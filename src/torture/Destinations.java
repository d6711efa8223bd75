import hookqueue.testkit.World;
import java.util.List;
import java.util.stream.Collectors;

/** Where a script's queue delivers to: two caches and a program, by the names that the fake Nix knows them by. */
final class Destinations {
    static final List<String> ALL = List.of("near", "far", "program");

    private Destinations() {}

    static String url(World world, String name) {
        return (name.equals("program") ? "exec:" : "file://") + world.dir.resolve(name);
    }

    /** The setting, with all but one. */
    static String allBut(World world, String without) {
        return ALL.stream().filter(name -> !name.equals(without)).map(name -> url(world, name)).collect(Collectors.joining(" "));
    }
}
