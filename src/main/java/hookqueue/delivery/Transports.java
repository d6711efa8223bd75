package hookqueue.delivery;

import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes transports that start child processes in the same way.
 *
 * @param nix how Nix is called
 * @param children starts child processes
 * @param environment variables that every child gets in addition to the worker's own
 */
public record Transports(Nix nix, ChildProcess children, Map<String, String> environment) {
    /** Signs with a secret key file. */
    public Transport sign(Path keyFile) {
        return new SignTransport(child("sign"), keyFile);
    }

    /** Delivers to a destination. */
    public Transport to(Destination destination, boolean substituteOnDestination) {
        return through(child(destination.name()), destination, substituteOnDestination);
    }

    /**
     * Makes the check of a destination.
     *
     * @param batchSize most paths for one child process
     * @param sign signs paths before they are sent again, or null
     * @return null for a program, which cannot be queried
     */
    public @Nullable DestinationCheck check(
            Destination destination,
            int batchSize,
            boolean substituteOnDestination,
            @Nullable Transport sign) {
        Destination place = destination instanceof Destination.Named n ? n.place() : destination;
        if (!(place instanceof Destination.Store store)) {
            return null;
        }
        DeliveryChild child = child(destination.name());
        var copy = new NixTransport(child, store.url(), substituteOnDestination);
        return new StoreCheck(
                destination.name(),
                store.url(),
                Math.min(batchSize, destination.mostAtOnce()),
                child,
                sign,
                copy);
    }

    /**
     * Makes the probe of a Nix store.
     *
     * @param name for the log
     * @param url empty for the local store
     */
    public DestinationProbe probe(String name, String url) {
        return new DestinationProbe(child(name), url);
    }

    private Transport through(
            DeliveryChild child, Destination destination, boolean substituteOnDestination) {
        // The JVM cannot archive a pattern switch, and each one adds 4 ms to a cold start.
        if (destination instanceof Destination.Named named) {
            return through(child, named.place(), substituteOnDestination);
        }
        if (destination instanceof Destination.Exec exec) {
            return new ExecTransport(child, children, environment, exec.program());
        }
        return new NixTransport(
                child, ((Destination.Store) destination).url(), substituteOnDestination);
    }

    private DeliveryChild child(String name) {
        return new DeliveryChild(name, nix, children, environment);
    }
}
