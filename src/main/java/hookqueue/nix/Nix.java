package hookqueue.nix;

import hookqueue.base.StorePath;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Builds all {@code nix} command lines, in the form of Nix 2.4 and later.
 *
 * <p>They forbid substitution and builds: {@code nix copy} would otherwise fetch a path that is
 * missing here, and build a derivation to copy its outputs.
 */
public record Nix(String program, String storeDir) {
    /**
     * Paths apart from derivations: an argument that names a {@code .drv} stands for its outputs,
     * which Nix then builds, unless {@code --derivation} is given; and with {@code --derivation} an
     * output stands for the derivation that made it.
     *
     * @return one or two groups, each for one command; none without paths
     */
    public static List<List<StorePath>> groups(List<StorePath> paths) {
        return Stream.of(
                        paths.stream().filter(path -> !path.isDerivation()).toList(),
                        paths.stream().filter(StorePath::isDerivation).toList())
                .filter(group -> !group.isEmpty())
                .toList();
    }

    /** Signs the paths, not their dependencies, with a secret key file. */
    public List<String> sign(String keyFile, List<StorePath> paths) {
        return command(List.of("store", "sign", "--key-file", keyFile), paths);
    }

    /**
     * Copies the closures of the paths to a store. Nix asks for every member whether the store has
     * it, and sends the others.
     *
     * <p>With more than one download-attempts Nix itself retries a failed upload: 2.8 then hangs,
     * and 2.34 waits 73 s after each HTTP 429.
     *
     * @param substituteOnDestination let an SSH destination fetch from its own substituters
     * @param refresh distrust every earlier answer of the destination, those of this process too:
     *     one more round trip for each path, and for each of its references
     */
    public List<String> copy(
            String destination,
            boolean substituteOnDestination,
            boolean refresh,
            List<StorePath> paths) {
        var verb = new ArrayList<>(List.of("copy", "--to", destination));
        verb.addAll(List.of("--option", "download-attempts", "1"));
        if (refresh) {
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

    /** The closures of the paths, to be read by {@link PathInfo#read}. */
    public List<String> closureInfo(List<StorePath> paths) {
        return command(List.of("path-info", "--recursive", "--json"), paths);
    }

    /**
     * What another store knows about the paths, to be read by {@link PathInfo#read}. Nix asks for
     * one path after the other.
     */
    public List<String> infoAt(String store, List<StorePath> paths) {
        return command(List.of("path-info", "--json", "--refresh", "--store", store), paths);
    }

    /**
     * Connects to a store, and logs in. Versions from 2.19 on call it {@code store info}, and keep
     * this name.
     *
     * @param store a URL; empty for the local store
     */
    public List<String> ping(String store) {
        var verb = new ArrayList<>(List.of("store", "ping"));
        if (!store.isEmpty()) {
            verb.addAll(List.of("--store", store));
        }
        verb.addAll(List.of("--option", "download-attempts", "1"));
        return command(verb, List.of());
    }

    /** Prints {@code nix (Nix) 2.26.3}. */
    public List<String> version() {
        return List.of(program, "--version");
    }

    /** Prints the settings, {@code NAME = VALUE} a line. Versions before 2.20 want the old form. */
    public List<String> settings(boolean old) {
        var command = new ArrayList<>(List.of(program));
        command.addAll(List.of("--extra-experimental-features", "nix-command"));
        command.addAll(old ? List.of("show-config") : List.of("config", "show"));
        return command;
    }

    /** Adds a file to the local store under its own name, and prints the path. */
    public List<String> add(String file) {
        return List.of(nixStore(), "--add", file);
    }

    /** The closure of one path, one path a line. */
    public List<String> closure(StorePath path) {
        return command(List.of("path-info", "--recursive"), List.of(path));
    }

    /** Every dependant of a path, one path a line. */
    public List<String> referrers(StorePath path) {
        return query("--referrers-closure", List.of(path));
    }

    /** The derivation of each path, one a line; {@code unknown-deriver} where there is none. */
    public List<String> derivers(List<StorePath> paths) {
        return query("--deriver", paths);
    }

    /** The program nix-store is in the directory of nix. */
    private String nixStore() {
        boolean ordinary = program.endsWith("/nix") || program.equals("nix");
        return ordinary ? program + "-store" : "nix-store";
    }

    private List<String> query(String what, List<StorePath> paths) {
        var command = new ArrayList<String>(paths.size() + 3);
        command.addAll(List.of(nixStore(), "--query", what));
        paths.forEach(path -> command.add(path.in(storeDir)));
        return command;
    }

    private List<String> command(List<String> verb, List<StorePath> paths) {
        var command = new ArrayList<String>(paths.size() + 12);
        command.add(program);
        command.addAll(List.of("--extra-experimental-features", "nix-command"));
        command.addAll(verb);
        command.addAll(List.of("--log-format", "internal-json", "--option", "substitute", "false"));
        long derivations = paths.stream().filter(StorePath::isDerivation).count();
        if (derivations > 0 && derivations == paths.size()) {
            command.add("--derivation");
        } else if (derivations > 0) {
            throw new IllegalArgumentException("paths and derivations in one command: " + paths);
        }
        paths.forEach(path -> command.add(path.in(storeDir)));
        return command;
    }
}
