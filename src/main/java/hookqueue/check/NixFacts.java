package hookqueue.check;

import hookqueue.base.Text;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What Nix says about itself: its version, and its settings. It is asked once for all checks. */
final class NixFacts {
    private static final Pattern VERSION = Pattern.compile("nix \\(.*\\) (([0-9]+)\\.([0-9]+).*)");
    private static final int LONGEST = 4_000;

    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> variables;
    private @Nullable List<String> versionOutput;
    private @Nullable Map<String, String> settings;

    NixFacts(Nix nix, ChildProcess children, Map<String, String> variables) {
        this.nix = nix;
        this.children = children;
        this.variables = variables;
    }

    /** For example {@code 2.26.3}; empty if Nix does not tell. */
    Optional<String> version() {
        return match().map(version -> version.group(1));
    }

    /** False if the version is unknown. */
    boolean isOlderThan(int major, int minor) {
        Optional<Matcher> version = match();
        if (version.isEmpty() || version.get().group(3).length() > 8) {
            return false;
        }
        int first = Integer.parseInt(Text.shortened(version.get().group(2), 8));
        return first < major
                || (first == major && Integer.parseInt(version.get().group(3)) < minor);
    }

    private synchronized Optional<Matcher> match() {
        if (versionOutput == null) {
            versionOutput = lines(nix.version());
        }
        return versionOutput.stream().map(VERSION::matcher).filter(Matcher::matches).findFirst();
    }

    /** By name; empty if Nix does not tell. */
    synchronized Map<String, String> settings() {
        if (settings == null) {
            var found = new HashMap<String, String>();
            List<String> lines = lines(nix.settings(false));
            for (String line : lines.isEmpty() ? lines(nix.settings(true)) : lines) {
                int at = line.indexOf(" = ");
                if (at > 0) {
                    found.put(line.substring(0, at), line.substring(at + 3).strip());
                }
            }
            settings = Map.copyOf(found);
        }
        return settings;
    }

    /** The output of a command; nothing if it fails. */
    private List<String> lines(List<String> command) {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        ExitResult end =
                children.run(
                        command,
                        variables,
                        line -> lines.add(Text.shortened(Text.clean(line), LONGEST)));
        return end.succeeded() ? List.copyOf(lines) : List.of();
    }
}
