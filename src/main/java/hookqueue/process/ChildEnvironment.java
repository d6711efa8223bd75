package hookqueue.process;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The directories for child processes' own files. Nix does not start without a home directory, and
 * caches the paths of a destination. A service has no home, so both go to the state directory
 * unless the environment says otherwise.
 */
public final class ChildEnvironment {
    private ChildEnvironment() {}

    /**
     * The same with a separate cache for each slot of a lane: if several {@code nix} of 2.8 share a
     * new cache, most of them die ("executing SQLite statement: constraint failed").
     */
    public static Map<String, String> forSlot(
            Map<String, String> environment, Path stateDir, String lane, int slot) {
        var added = new HashMap<>(forChildren(environment, stateDir));
        String cache =
                added.getOrDefault(
                        "XDG_CACHE_HOME", environment.getOrDefault("XDG_CACHE_HOME", ""));
        String folder = "lane-" + Integer.toHexString(lane.hashCode()) + "-" + slot;
        Path home = Path.of(cache, folder);
        added.put("XDG_CACHE_HOME", home.toString());
        if (environment.containsKey("NIX_CACHE_HOME")) { // Nix 2.24 and newer prefer it
            added.put("NIX_CACHE_HOME", home.resolve("nix").toString());
        }
        return Map.copyOf(added);
    }

    public static Map<String, String> forChildren(Map<String, String> environment, Path stateDir) {
        var added = new HashMap<String, String>();
        if (environment.getOrDefault("HOME", "").isEmpty()) {
            added.put("HOME", stateDir.toString());
        }
        if (environment.getOrDefault("XDG_CACHE_HOME", "").isEmpty()) {
            added.put("XDG_CACHE_HOME", stateDir.resolve("cache").toString());
        }
        return Map.copyOf(added);
    }
}
