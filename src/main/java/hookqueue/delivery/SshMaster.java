package hookqueue.delivery;

import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One ssh connection to a destination, which the child processes of a lane share while the lane is
 * busy (OpenSSH's ControlMaster). A child then starts within a few round trips, without a
 * handshake: 0.46 s in place of 0.9 at 50 ms of round-trip time.
 *
 * <pre>
 *   OFF ── open ──► CONNECTING ── ready ──► UP ── a child failed, or the lane rests ──► RETIRED ──► OFF
 *                        └── it ended, or took too long ──────────────────────────────────┘
 * </pre>
 *
 * <p>The lane starts no child while the connection is made: a child would have to make its own,
 * which takes as long. A child uses the connection only if it is up before the child starts: Nix
 * checks whether a master runs, and if none does it waits for a word that ssh prints only on a
 * connection of its own ({@code src/libstore/ssh.cc}). Without a connection every child makes its
 * own. So an error of ssh reaches the operator through a child, as without this.
 *
 * <p>A failure through the connection, before anything was copied, proves nothing about the
 * destination: the same paths go once more, over a connection of their own.
 *
 * <p>Only the worker's user can reach the control socket ({@link ControlSockets}).
 */
final class SshMaster implements Link {
    private static final Logger LOG = LoggerFactory.getLogger(SshMaster.class);

    /** The longest round trip of a near link: 100 paths then take a second in one child. */
    private static final Duration NEAR = Duration.ofMillis(5);

    /** How long the lane waits for the connection. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** How long the connection outlives the lane's work. */
    private static final Duration LINGER = Duration.ofSeconds(10);

    /** The pause after a connection that failed. */
    private static final Duration PAUSE = Duration.ofSeconds(30);

    /** sshd refuses the eleventh session of a connection (MaxSessions in sshd_config(5)). */
    private static final int MOST_USERS = 8;

    private static final String READY = "connected-for-the-queue";

    /** Between these two messages of {@code ssh -v} is one round trip, and hardly any work. */
    private static final String OFFER = "debug1: Offering public key: ";

    private static final String ACCEPTED = "debug1: Server accepts key: ";

    private enum Phase {
        OFF,
        CONNECTING,
        UP,
        RETIRED
    }

    private final SshCommand ssh;
    private final Links links;
    private final Runnable changed;

    /** When ssh offered a key; for the thread that reads its output. */
    private long offered;

    // Guarded by this, up to the end.
    private Phase phase = Phase.OFF;
    private @Nullable Thread master;
    private @Nullable Path socket;
    private int users;
    private int mostUsers = MOST_USERS;
    private boolean near;
    private long began;
    private long restsSince;
    private boolean resting;
    private long notBefore = System.nanoTime();

    /** Why there was no place for the socket; logged once. */
    private @Nullable String trouble;

    /** Calls {@code changed} when {@link #isNear} is certain, on another thread. */
    SshMaster(SshCommand ssh, Links links, Runnable changed) {
        this.ssh = ssh;
        this.links = links;
        this.changed = changed;
    }

    @Override
    public synchronized boolean isNear() {
        return phase == Phase.UP && near;
    }

    @Override
    public synchronized long settlesIn() {
        if (phase != Phase.CONNECTING) {
            return 0;
        }
        long left = PATIENCE.minusNanos(System.nanoTime() - began).toMillis();
        if (left <= 0) {
            suspect();
        }
        return Math.max(0, left);
    }

    @Override
    public synchronized void open() {
        resting = false;
        if (phase != Phase.OFF || System.nanoTime() - notBefore < 0) {
            return;
        }
        Path place;
        try {
            place = links.sockets.take();
        } catch (IOException e) {
            if (!e.toString().equals(trouble)) {
                trouble = e.toString();
                LOG.info(
                        "each child makes its own ssh connection to {}, which is slower: {}",
                        ssh.target(),
                        trouble);
            }
            notBefore = System.nanoTime() + PAUSE.toNanos();
            return;
        }
        trouble = null;
        phase = Phase.CONNECTING;
        began = System.nanoTime();
        near = false;
        socket = place;
        master = new Thread(() -> run(place), "ssh " + ssh.target());
        master.setDaemon(true);
        master.start();
    }

    private void run(Path place) {
        var variables = new HashMap<>(links.environment);
        variables.put("SHELL", "/bin/sh"); // runs the LocalCommand; a service's user may have none
        List<String> command = ssh.master(place, READY);
        ExitResult result = links.children.runTied(command, variables, this::heard);
        LOG.debug("the shared ssh connection to {} ended: {}", ssh.target(), result);
        try {
            links.sockets.release(place);
        } catch (IOException e) {
            LOG.debug("{} stays: {}", place, e.toString());
        }
        ended();
        changed.run();
    }

    private synchronized void ended() {
        if (phase != Phase.RETIRED) {
            notBefore = System.nanoTime() + PAUSE.toNanos();
        }
        phase = Phase.OFF;
        master = null;
    }

    private void heard(String line) {
        if (line.startsWith(OFFER)) {
            offered = System.nanoTime();
        } else if (line.startsWith(ACCEPTED)) {
            measured(Duration.ofNanos(System.nanoTime() - offered));
        } else if (line.strip().equals(READY)) {
            connected();
            changed.run();
        } else if (!line.startsWith("debug1: ")) {
            LOG.debug("ssh {}: {}", ssh.target(), line);
        }
    }

    private synchronized void measured(Duration roundTrip) {
        near = roundTrip.compareTo(NEAR) <= 0;
        LOG.debug("ssh {}: a round trip takes {} µs", ssh.target(), roundTrip.toNanos() / 1_000);
    }

    private synchronized void connected() {
        if (phase == Phase.CONNECTING) {
            phase = Phase.UP;
        }
    }

    @Override
    public synchronized long rest() {
        if (phase == Phase.OFF || phase == Phase.RETIRED) {
            return Long.MAX_VALUE;
        }
        if (!resting) {
            resting = true;
            restsSince = System.nanoTime();
        }
        long left = LINGER.minusNanos(System.nanoTime() - restsSince).toMillis();
        if (left <= 0) {
            retire();
        }
        return left <= 0 ? Long.MAX_VALUE : left;
    }

    /** Goes on without the connection for a while. */
    private synchronized void suspect() {
        notBefore = System.nanoTime() + PAUSE.toNanos();
        retire();
    }

    /** No child gets the connection any more; it ends with the last one that has it. */
    private synchronized void retire() {
        if (master != null) {
            phase = Phase.RETIRED;
            if (users == 0) {
                master.interrupt();
            }
        }
    }

    @Override
    public void close() {
        Thread running;
        synchronized (this) {
            users = 0;
            retire();
            running = master;
        }
        if (running != null) {
            Slots.awaitEnd(List.of(running));
        }
    }

    @Override
    public Transport transport(
            Map<String, String> environment, Function<Map<String, String>, Transport> make) {
        Transport alone = make.apply(environment);
        return (paths, progress) -> {
            Path shared = acquire();
            if (shared == null) {
                return alone.carry(paths, progress);
            }
            var variables = new HashMap<>(environment);
            variables.put("NIX_SSHOPTS", SshCommand.through(shared, links.sshOptions));
            boolean proves = false;
            try {
                DeliveryOutcome outcome = make.apply(Map.copyOf(variables)).carry(paths, progress);
                proves = !outcome.failed() || !progress.copied().isEmpty();
                return proves ? outcome : alone.carry(paths, progress);
            } finally {
                release(proves);
            }
        };
    }

    /** The control socket, for one child; null if the child has to connect by itself. */
    private synchronized @Nullable Path acquire() {
        if (phase != Phase.UP || users >= mostUsers) {
            return null;
        }
        users++;
        return socket;
    }

    private synchronized void release(boolean works) {
        users = Math.max(0, users - 1);
        if (!works && phase == Phase.UP) {
            mostUsers = Math.max(1, mostUsers / 2); // the server may permit fewer sessions
            suspect();
        } else if (phase == Phase.RETIRED) {
            retire();
        }
    }
}
