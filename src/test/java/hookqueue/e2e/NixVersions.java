package hookqueue.e2e;

import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The versions of Nix that tests can run: the machine's own, and those in the Debian roots that
 * {@code src/test/destinations/root.sh} has made. Only root can enter these.
 */
final class NixVersions {
    private static final Path ROOTS = Path.of("/var/cache/nix-post-build-hook-queue-test");

    /** Runs it in a separate mount namespace with the scratch folder at the same path. */
    private static final String ENTER =
            """
            #!/bin/sh
            case $0 in *nix-store) program=nix-store ;; *) program=nix ;; esac
            exec unshare -m sh -c '
                root=$1 scratch=$2
                shift 2
                mount --rbind /dev "$root/dev" && mount -t tmpfs none "$root/tmp" &&
                    mkdir -p "$root$scratch" && mount --bind "$scratch" "$root$scratch" &&
                    mount -t proc none "$root/proc" && exec chroot "$root" "$@"
            ' sh %s %s "$program" "$@"
            """;

    private NixVersions() {}

    /** Returns {@code own}, and the names of the roots. */
    static List<String> all() {
        var names = new ArrayList<>(List.of("own"));
        if (System.getProperty("user.name").equals("root")) {
            for (String name : List.of("nix-trixie", "nix-sid")) {
                if (Files.isExecutable(ROOTS.resolve(name).resolve("usr/bin/nix"))) {
                    names.add(name);
                }
            }
        }
        return names;
    }

    /**
     * The {@code nix} of that version, for a scratch folder below the folder for temporary files.
     */
    static String program(String version, World scratch) throws IOException {
        if (version.equals("own")) {
            return "nix";
        }
        String script = ENTER.formatted(ROOTS.resolve(version), scratch.dir);
        Path folder = Files.createDirectories(scratch.dir.resolve("version"));
        for (Map.Entry<String, String> each :
                Map.of("version/nix", script, "version/nix-store", script).entrySet()) {
            scratch.script(each.getKey(), each.getValue());
        }
        return folder.resolve("nix").toString();
    }

    /**
     * The same, but with the programs of this machine around it: the roots have no ssh. It is
     * started by the root's own loader.
     */
    static String outside(String version, World scratch) throws IOException {
        if (version.equals("own")) {
            return "nix";
        }
        String script =
                """
                #!/bin/sh
                root=%s
                exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
                    "$root/usr/bin/nix" "$@"
                """
                        .formatted(ROOTS.resolve(version));
        Files.createDirectories(scratch.dir.resolve("version"));
        return scratch.script("version/nix", script).toString();
    }
}
