package hookqueue.check;

import hookqueue.delivery.Destination;
import hookqueue.nix.Nix;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is to be checked.
 *
 * @param environment of the worker
 * @param unknown names of environment variables that look like settings and are none
 */
public record Installation(
        Map<String, String> environment,
        @Nullable Path signingKey,
        List<Target> targets,
        Path stateDir,
        Path rootsDir,
        @Nullable Path metricsFile,
        Nix nix,
        List<String> unknown) {
    /** A destination, and whether it may fetch from its own substituters. */
    public record Target(Destination destination, boolean substituteOnDestination) {}

    /** The folder that checks may write to; it exists only while they run. */
    Path scratch() {
        return stateDir.resolve("cache").resolve("check");
    }

    SshOptions sshOptions() {
        return SshOptions.parse(variable("NIX_SSHOPTS"));
    }

    Path nixStateDir() {
        String folder = variable("NIX_STATE_DIR");
        return Path.of(folder.isEmpty() ? "/nix/var/nix" : folder);
    }

    String variable(String name) {
        return environment.getOrDefault(name, "");
    }
}
