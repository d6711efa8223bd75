import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A real sshd on the loopback interface, through which {@code nix copy --to ssh://} reaches a second store that has the
 * same store directory below another root.
 */
final class Sshd implements AutoCloseable {
    private final World world;
    private final Path remote;
    private final Process process;
    final int port;

    Sshd(World world) throws IOException {
        this.world = world;
        Path dir = Files.createDirectory(world.dir.resolve("sshd"));
        remote = world.dir.resolve("remote");
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        for (String name : new String[] {"host", "client"}) {
            world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir.resolve(name).toString());
        }
        // What the client asks for is nix-store --serve; it gets the one of the other store.
        Path serve = world.script(
                "sshd/serve",
                "#!/bin/sh\nexport PATH=%s NIX_CONF_DIR=%s NIX_STORE_DIR=%s HOME=%s NIX_REMOTE='%s'\nexec $SSH_ORIGINAL_COMMAND\n"
                        .formatted(System.getenv("PATH"), world.dir.resolve("conf"), world.store, world.dir,
                                "local?root=" + remote + "&store=" + world.store + "&real=" + remote + world.store));
        Files.writeString(
                dir.resolve("authorized_keys"),
                "command=\"" + serve + "\" " + Files.readString(dir.resolve("client.pub")));
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
                """.formatted(port, dir.resolve("host"), dir.resolve("authorized_keys")));
        // sshd insists on it, and only root can make it.
        Files.createDirectories(Path.of("/run/sshd"));
        process = world.builder(Map.of(), "/usr/sbin/sshd", "-D", "-e", "-f", dir.resolve("config").toString())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve("log").toFile())
                .start();
        connectTo(port);
        long end = System.nanoTime() + 10_000_000_000L;
        while (!answers()) {
            if (System.nanoTime() > end) {
                throw new IOException("sshd does not answer: " + World.text(dir.resolve("log")));
            }
            Queue.pause(20);
        }
    }

    /** Has Nix reach this sshd at another port, where something forwards to it. */
    void connectTo(int otherPort) throws IOException {
        Path dir = world.dir.resolve("sshd");
        Files.writeString(
                dir.resolve("known_hosts"),
                "[127.0.0.1]:" + otherPort + " " + Files.readString(dir.resolve("host.pub")).strip() + "\n");
        world.set(
                "NIX_SSHOPTS",
                "-F none -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=10 -p %d -i %s -o UserKnownHostsFile=%s"
                        .formatted(otherPort, dir.resolve("client"), dir.resolve("known_hosts")));
    }

    private boolean answers() {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    String url() {
        return "ssh://" + System.getProperty("user.name") + "@127.0.0.1";
    }

    /** The other store has nothing. */
    void forget() throws IOException {
        world.setAside(remote);
        Files.createDirectory(remote);
    }

    /** How many of them the other store has. */
    long has(java.util.List<String> paths) {
        return paths.stream().filter(path -> Files.exists(Path.of(remote + path))).count();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
