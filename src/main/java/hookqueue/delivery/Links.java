package hookqueue.delivery;

import hookqueue.process.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** Makes the links of destinations, and has what they share. */
public final class Links {
    /** To a destination on this machine. */
    public static final Link LOCAL = new FixedLink(true);

    /** To a destination of which nothing is known. */
    public static final Link FAR = new FixedLink(false);

    /** Needs no preparation. A record, because the JVM cannot archive a lambda. */
    private record FixedLink(boolean isNear) implements Link {}

    /** A connection may be silent for any time. */
    final ChildProcess children = new ChildProcess(Duration.ofDays(10_000));

    final String sshOptions;
    final Map<String, String> environment;
    final ControlSockets sockets;

    /**
     * @param sshOptions the worker's {@code NIX_SSHOPTS}, empty if there are none
     * @param environment variables that a connection gets in addition to the worker's own
     * @param stateDir has the control sockets of shared connections
     */
    public Links(String sshOptions, Map<String, String> environment, Path stateDir) {
        this.sshOptions = sshOptions;
        this.environment = environment;
        this.sockets = new ControlSockets(stateDir);
    }

    /** Makes a link. It calls {@code changed}, on another thread, when it has settled. */
    public Link to(Destination destination, Runnable changed) {
        if (!(destination.place() instanceof Destination.Store store)) {
            return FAR;
        }
        if (store.isLocal()) {
            return LOCAL;
        }
        SshCommand ssh = SshCommand.of(store.url(), sshOptions).orElse(null);
        return ssh == null ? FAR : new SshMaster(ssh, this, changed);
    }
}
