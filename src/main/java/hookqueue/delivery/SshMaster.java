package hookqueue.delivery;

import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One ssh connection to a destination that the child processes of a lane share while the lane is
 * busy: a start then takes one round trip instead of a whole handshake (OpenSSH's ControlMaster).
 * Where there is no such connection, a child makes its own, as without this.
 *
 * <p>The control socket is in a folder that only the worker's user can enter. For the lane's
 * thread.
 */
public final class SshMaster implements Lane.Connection {
    private static final Logger LOG = LoggerFactory.getLogger(SshMaster.class);
    private static final Pattern URL =
            Pattern.compile(
                    "ssh(?:-ng)?://([^/?:\\[\\]@]+@)?([^/?:\\[\\]@]+)(?:/[^?]*)?(?:\\?(.*))?");
    private static final Pattern KEY = Pattern.compile("(?:^|&)ssh-key=([^&%]+)(?:&|$)");

    /** The system takes 107 bytes, and ssh adds 17 while it makes the socket. */
    private static final int LONGEST_SOCKET = 85;

    private static final long AGAIN_NANOS = Duration.ofSeconds(30).toNanos();
    private static final ChildProcess CHILDREN = new ChildProcess(Duration.ofDays(10_000));

    private final Plan plan;
    private final Map<String, String> environment;
    private @Nullable Thread thread;
    private long began = System.nanoTime() - AGAIN_NANOS;

    /**
     * How the connection is made.
     *
     * @param command of the master
     * @param socket its control socket
     * @param options what children get in {@code NIX_SSHOPTS}
     */
    public record Plan(List<String> command, Path socket, String options) {
        /**
         * @param url of the destination
         * @param options {@code NIX_SSHOPTS} of the worker, empty when there are none
         * @param folder for the socket
         * @return empty for a destination without ssh, or whose ssh command is not certain; and
         *     when the options already say something about a shared connection
         */
        public static Optional<Plan> of(String url, String options, Path folder) {
            Matcher matcher = URL.matcher(url);
            Path socket = folder.resolve(Integer.toHexString(url.hashCode()));
            boolean certain =
                    matcher.matches()
                            && !url.contains("ssh-public-host-key")
                            && !options.matches("(?s).*(['\"\\\\]|Control|(^|\\s)-[SMO]).*")
                            && socket.toString()
                                    .matches("[!-~&&[^%'\"\\\\]]{1," + LONGEST_SOCKET + "}");
            if (!certain) {
                return Optional.empty();
            }
            String user = matcher.group(1) == null ? "" : matcher.group(1);
            String parameters = matcher.group(3) == null ? "" : matcher.group(3);
            Matcher key = KEY.matcher(parameters);
            var command = new ArrayList<>(List.of("ssh", "-x", "-a", "-N", "-M"));
            command.addAll(List.of("-o", "ControlPath=" + socket, "-o", "ControlPersist=no"));
            command.addAll(List.of("-o", "BatchMode=yes"));
            if (parameters.contains("ssh-key=")) {
                if (!key.find()) {
                    return Optional.empty();
                }
                command.addAll(List.of("-i", key.group(1)));
            }
            if (!options.isBlank()) {
                command.addAll(List.of(options.strip().split("\\s+")));
            }
            command.addAll(List.of("--", user + matcher.group(2)));
            String shared = "-o ControlMaster=no -o ControlPath=" + socket;
            return Optional.of(
                    new Plan(
                            List.copyOf(command),
                            socket,
                            options.isBlank() ? shared : options.strip() + " " + shared));
        }
    }

    /**
     * @param environment variables that the child gets beside the worker's own
     */
    public SshMaster(Plan plan, Map<String, String> environment) {
        this.plan = plan;
        this.environment = environment;
    }

    /** Connects, unless that failed just now. */
    @Override
    public void busy() {
        boolean runs = thread != null && thread.isAlive();
        if (runs || System.nanoTime() - began < AGAIN_NANOS) {
            return;
        }
        began = System.nanoTime();
        try {
            Path folder = plan.socket().getParent();
            Files.createDirectories(folder);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        } catch (IOException e) {
            LOG.debug("no folder for the ssh connection: {}", e.toString());
            return;
        }
        var master = new Thread(this::run, "ssh " + plan.command().getLast());
        master.setDaemon(true);
        master.start();
        thread = master;
    }

    private void run() {
        ExitResult result =
                CHILDREN.run(plan.command(), environment, line -> LOG.debug("ssh: {}", line));
        LOG.debug("the shared ssh connection ended: {}", result);
    }

    /** Disconnects, which takes a moment; an interrupt is kept for the caller. */
    @Override
    public void idle() {
        Thread master = thread;
        if (master == null) {
            return;
        }
        thread = null;
        began = System.nanoTime() - AGAIN_NANOS;
        master.interrupt();
        boolean interrupted = false;
        while (master.isAlive()) {
            try {
                master.join();
            } catch (InterruptedException e) {
                interrupted = true; // a child is ended in 5 s at most
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
