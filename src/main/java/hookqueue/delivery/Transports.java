package hookqueue.delivery;

import hookqueue.nix.NarInfoCache;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes transports that start child processes in the same way.
 *
 * @param environment variables that every child gets in addition to the worker's own
 */
public record Transports(Nix nix, ChildProcess children, Map<String, String> environment) {
    /** Signs with a secret key file. */
    public Transport sign(Path keyFile, RecentClosures recent) {
        return new SignTransport(child("sign"), child("sign"), keyFile, recent);
    }

    /** Delivers to a destination. */
    public Transport to(Destination destination, boolean substituteOnDestination) {
        DeliveryChild child = child(destination.name());
        // The JVM cannot archive a pattern switch, and each one adds 4 ms to a cold start.
        if (destination.place() instanceof Destination.Exec exec) {
            return new ExecTransport(child, children, environment, exec.program());
        }
        return copy(child, destination, substituteOnDestination);
    }

    private NixTransport copy(DeliveryChild child, Destination destination, boolean substitute) {
        String home = environment.get("XDG_CACHE_HOME");
        NarInfoCache cache = home == null ? null : new NarInfoCache(Path.of(home));
        return new NixTransport(child, cache, destination.url(), substitute);
    }

    /**
     * Makes the check of a destination.
     *
     * @param sign signs paths before they are sent again, or null
     * @return null for a program, which cannot be queried
     */
    public @Nullable DestinationCheck check(
            Destination destination,
            int batchSize,
            boolean substituteOnDestination,
            @Nullable Transport sign) {
        if (!(destination.place() instanceof Destination.Store)) {
            return null;
        }
        DeliveryChild child = child(destination.name());
        return new StoreCheck(
                destination.name(),
                destination.url(),
                Math.min(batchSize, destination.mostAtOnce()),
                child,
                sign,
                copy(child, destination, substituteOnDestination));
    }

    /** Makes the probe of a Nix store; an empty URL is the local store. */
    public DestinationProbe probe(String name, String url) {
        return new DestinationProbe(child(name), url);
    }

    private DeliveryChild child(String name) {
        return new DeliveryChild(name, nix, children, environment);
    }
}
