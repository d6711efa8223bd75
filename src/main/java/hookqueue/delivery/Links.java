package hookqueue.delivery;

import hookqueue.process.ChildProcess;
import java.time.Duration;
import java.util.Map;

/**
 * Makes the links of destinations.
 *
 * @param sshOptions the worker's {@code NIX_SSHOPTS}, empty if there are none
 * @param environment variables that a connection gets in addition to the worker's own
 */
public record Links(String sshOptions, Map<String, String> environment) {
    private static final ChildProcess CHILDREN = new ChildProcess(Duration.ofDays(10_000));

    /**
     * Makes the link of one destination.
     *
     * @param changed is called when the link has settled, on another thread
     */
    public Link to(Destination destination, Runnable changed) {
        if (!(destination.place() instanceof Destination.Store store)) {
            return FixedLink.FAR;
        }
        if (store.isLocal()) {
            return FixedLink.LOCAL;
        }
        SshCommand ssh = SshCommand.of(store.url(), sshOptions).orElse(null);
        return ssh == null
                ? FixedLink.FAR
                : new SshMaster(ssh, sshOptions, environment, CHILDREN, changed);
    }
}
