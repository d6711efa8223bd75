package hookqueue.e2e;

import hookqueue.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;

/**
 * A real sshd on the loopback interface, through which {@code nix copy --to ssh://} reaches a
 * second store that has the same store directory below another root. Can be stopped and started
 * again.
 */
final class TestSshd implements AutoCloseable {
    private final Scratch scratch;
    private final Path dir;
    private final int port;
    private final Path remote;
    private Process process;

    TestSshd(Scratch scratch) throws IOException {
        this.scratch = scratch;
        this.dir = Files.createDirectory(scratch.dir.resolve("sshd"));
        this.remote = Files.createDirectory(scratch.dir.resolve("remote"));
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = free.getLocalPort();
        }
        scratch.run(
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                dir.resolve("host").toString());
        scratch.run(
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                dir.resolve("client").toString());
        String host = Files.readString(dir.resolve("host.pub")).strip();
        Files.writeString(dir.resolve("known_hosts"), "[127.0.0.1]:" + port + " " + host + "\n");
        // What the client asks for is nix-store --serve; it gets the one of the other store.
        Path serve = dir.resolve("serve");
        Files.writeString(
                serve,
                "#!/bin/sh\nexport PATH="
                        + System.getenv("PATH")
                        + " NIX_CONF_DIR="
                        + scratch.dir.resolve("conf")
                        + " NIX_STORE_DIR="
                        + scratch.store
                        + " HOME="
                        + scratch.dir
                        + " NIX_REMOTE='"
                        + other()
                        + "'\nexec $SSH_ORIGINAL_COMMAND\n");
        Files.setPosixFilePermissions(serve, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(
                dir.resolve("authorized_keys"),
                "command=\"" + serve + "\" " + Files.readString(dir.resolve("client.pub")));
        Files.writeString(
                dir.resolve("config"),
                "ListenAddress 127.0.0.1:"
                        + port
                        + "\nHostKey "
                        + dir.resolve("host")
                        + "\nAuthorizedKeysFile "
                        + dir.resolve("authorized_keys")
                        + "\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n"
                        + "PasswordAuthentication no\nMaxStartups 100\n");
        scratch.set(
                "NIX_SSHOPTS",
                "-F none -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=5 -p "
                        + port
                        + " -i "
                        + dir.resolve("client")
                        + " -o UserKnownHostsFile="
                        + dir.resolve("known_hosts"));
    }

    String url() {
        return "ssh://" + System.getProperty("user.name") + "@127.0.0.1";
    }

    void start() throws IOException {
        Files.createDirectories(Path.of("/run/sshd"));
        process =
                new ProcessBuilder(
                                Tools.find("sshd"),
                                "-D",
                                "-e",
                                "-f",
                                dir.resolve("config").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(
                                ProcessBuilder.Redirect.appendTo(dir.resolve("log").toFile()))
                        .start();
        Scratch.eventually(
                Duration.ofSeconds(10),
                "sshd listens",
                () -> {
                    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                        return socket.isConnected();
                    } catch (IOException e) {
                        return false;
                    }
                });
    }

    /** Ends it and every connection that it has. */
    void stop() throws InterruptedException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
    }

    /** Whether the other store has a path. */
    boolean has(String storePath) {
        return Files.exists(at(storePath));
    }

    /** Where a path of the store is in the other one. */
    Path at(String storePath) {
        return Path.of(remote + storePath);
    }

    /** Whether the other store has a path, whole, and in its database. */
    boolean knows(String storePath) {
        try {
            return scratch.attempt(
                                    Map.of("NIX_REMOTE", other()),
                                    "nix-store",
                                    "--check-validity",
                                    storePath)
                            .status()
                    == 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String other() {
        return "local?root="
                + remote
                + "&store="
                + scratch.store
                + "&real="
                + at("" + scratch.store);
    }

    @Override
    public void close() throws InterruptedException {
        if (process != null) {
            stop();
        }
    }
}
