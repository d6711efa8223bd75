package hookqueue.process;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Where child processes keep their own files. Nix does not start without a home directory, and
 * caches what a destination has; a service has no home, so both go to the state directory unless
 * the environment says otherwise.
 */
public final class ChildEnvironment {
    private ChildEnvironment() {}

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
