package hookqueue.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A real sshd on the loopback interface, through which {@code nix copy --to ssh://} reaches a
 * second store that has the same store directory below another root. Can be stopped and started
 * again.
 */
public final class Sshd implements AutoCloseable {
    private final World world;
    private final Path dir;
    private final Path remote;
    private final int port;
    private Process process;

    /** Makes the keys and the settings, but does not listen yet. */
    public Sshd(World world) throws IOException {
        this.world = world;
        dir = Files.createDirectory(world.dir.resolve("sshd"));
        remote = Files.createDirectory(world.dir.resolve("remote"));
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        for (String name : List.of("host", "client")) {
            String file = dir.resolve(name).toString();
            world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file);
        }
        // The client asks for nix-store --serve, and gets that of the other store.
        Path serve =
                world.script(
                        "sshd/serve",
                        """
                        #!/bin/sh
                        export PATH=%s NIX_CONF_DIR=%s NIX_STORE_DIR=%s HOME=%s NIX_REMOTE='%s'
                        exec $SSH_ORIGINAL_COMMAND
                        """
                                .formatted(
                                        System.getenv("PATH"),
                                        world.dir.resolve("conf"),
                                        world.store,
                                        world.dir,
                                        other()));
        Files.writeString(
                dir.resolve("authorized_keys"),
                "command=\"" + serve + "\" " + Files.readString(dir.resolve("client.pub")));
        // SHLVL: so bash does not read the user's .bashrc, which may take long.
        Files.writeString(
                dir.resolve("config"),
                """
                ListenAddress 127.0.0.1:%d
                HostKey %s
                AuthorizedKeysFile %s
                PidFile none
                UsePAM no
                StrictModes no
                PermitRootLogin prohibit-password
                PasswordAuthentication no
                MaxStartups 100
                SetEnv SHLVL=2
                """
                        .formatted(port, dir.resolve("host"), dir.resolve("authorized_keys")));
        connectTo(port);
    }

    /** Lets Nix connect to another port, which must forward to this sshd. */
    public void connectTo(int otherPort) throws IOException {
        String host = Files.readString(dir.resolve("host.pub")).strip();
        Files.writeString(
                dir.resolve("known_hosts"), "[127.0.0.1]:" + otherPort + " " + host + "\n");
        world.set(
                "NIX_SSHOPTS",
                "-F none -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=5 -p %d -i %s -o UserKnownHostsFile=%s"
                        .formatted(otherPort, dir.resolve("client"), dir.resolve("known_hosts")));
    }

    public int port() {
        return port;
    }

    public String url() {
        return "ssh://" + System.getProperty("user.name") + "@127.0.0.1";
    }

    /** Listens when this returns. */
    public Sshd start() throws IOException {
        // sshd needs this folder, and only root can make it.
        Files.createDirectories(Path.of("/run/sshd"));
        process =
                world.builder(
                                Map.of(),
                                Tools.find("sshd"),
                                "-D",
                                "-e",
                                "-f",
                                dir.resolve("config").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(dir.resolve("log").toFile()))
                        .start();
        World.eventually(Duration.ofSeconds(10), "sshd listens", this::answers);
        return this;
    }

    private boolean answers() {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    /** Stops it and all of its connections. */
    public void stop() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    /** Empties the other store. */
    public void forget() throws IOException {
        world.setAside(remote);
        Files.createDirectory(remote);
    }

    /** Whether the other store has a path. */
    public boolean has(String storePath) {
        return Files.exists(at(storePath));
    }

    /** Where a path of the store is in the other one. */
    public Path at(String storePath) {
        return Path.of(remote + storePath);
    }

    /** Whether a path is valid in the other store. */
    public boolean knows(String storePath) {
        var home = Map.of("NIX_REMOTE", other());
        try {
            return world.attempt(home, "nix-store", "--check-validity", storePath).status() == 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String other() {
        return "local?root=%1$s&store=%2$s&real=%1$s%2$s".formatted(remote, world.store);
    }

    @Override
    public void close() {
        if (process != null) {
            stop();
        }
    }
}
