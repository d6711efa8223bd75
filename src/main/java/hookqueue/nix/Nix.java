package hookqueue.nix;

import hookqueue.base.StorePath;
import java.util.ArrayList;
import java.util.List;

/**
 * The only place where the arguments of {@code nix} are put together. The forms are those of Nix
 * 2.4 and later.
 *
 * <p>Nothing is ever substituted: {@code nix copy} would otherwise fetch a path that is missing
 * here from elsewhere.
 *
 * @param program the {@code nix} to run
 * @param storeDir the store directory
 */
public record Nix(String program, String storeDir) {
    /** Signs the paths, not their dependencies, with a secret key file. */
    public List<String> sign(String keyFile, List<StorePath> paths) {
        return command(List.of("store", "sign", "--key-file", keyFile), paths);
    }

    /**
     * Copies the closures of the paths to a store; what is there already is not sent.
     *
     * @param substituteOnDestination let an SSH destination fetch from its own substituters what it
     *     can
     * @param afresh ask the destination what it has; otherwise Nix believes for up to 30 days what
     *     a binary cache had, and says that all is there without a connection
     *     (narinfo-cache-positive-ttl in nix.conf(5))
     */
    public List<String> copy(
            String destination,
            boolean substituteOnDestination,
            boolean afresh,
            List<StorePath> paths) {
        var verb = new ArrayList<>(List.of("copy", "--to", destination));
        if (afresh) {
            verb.add("--refresh");
        }
        if (substituteOnDestination) {
            verb.add("--substitute-on-destination");
        }
        return command(verb, paths);
    }

    /** Fails with "is not valid" for a path that is not in the local store. */
    public List<String> pathInfo(StorePath path) {
        return command(List.of("path-info"), List.of(path));
    }

    /** The closure of one path, one path a line. */
    public List<String> closure(StorePath path) {
        return List.of(
                program,
                "--extra-experimental-features",
                "nix-command",
                "path-info",
                "--recursive",
                "--option",
                "substitute",
                "false",
                path.in(storeDir));
    }

    /** All that depends on a path, one path a line. */
    public List<String> referrers(StorePath path) {
        return query("--referrers-closure", List.of(path));
    }

    /**
     * The closures of the paths as a graph in the language of Graphviz: {@code "NAME" [...]} for
     * each member, {@code "REFERENCE" -> "NAME" [...]} for each reference.
     */
    public List<String> graph(List<StorePath> paths) {
        return query("--graph", paths);
    }

    /**
     * The sizes of the NARs of these, one a line, in this order.
     *
     * @param baseNames the last components of store paths
     */
    public List<String> sizes(List<String> baseNames) {
        return query("--size", baseNames.stream().map(StorePath::new).toList());
    }

    /** The derivation of each path, one a line; {@code unknown-deriver} where there is none. */
    public List<String> derivers(List<StorePath> paths) {
        return query("--deriver", paths);
    }

    /** nix-store stands beside nix, and is the same program. */
    private List<String> query(String what, List<StorePath> paths) {
        boolean ordinary = program.endsWith("/nix") || program.equals("nix");
        var command = new ArrayList<String>(paths.size() + 3);
        command.addAll(List.of(ordinary ? program + "-store" : "nix-store", "--query", what));
        paths.forEach(path -> command.add(path.in(storeDir)));
        return command;
    }

    private List<String> command(List<String> verb, List<StorePath> paths) {
        var command = new ArrayList<String>(paths.size() + 12);
        command.add(program);
        command.addAll(List.of("--extra-experimental-features", "nix-command"));
        command.addAll(verb);
        command.addAll(List.of("--log-format", "internal-json", "--option", "substitute", "false"));
        paths.forEach(path -> command.add(path.in(storeDir)));
        return command;
    }
}
