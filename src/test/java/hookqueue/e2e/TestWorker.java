package hookqueue.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The real worker behind systemd-socket-activate: the process is that program until the first
 * connection, and the worker from then on. One socket file serves several workers, one after
 * another, as systemd's does, only when they are started anew by {@link #start}.
 */
final class TestWorker implements AutoCloseable {
    private final Process process;
    private final Path log;

    private TestWorker(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    static List<String> java() {
        return new ArrayList<>(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dslf4j.provider=hookqueue.systemd.Journal",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx48m",
                        "-Xss256k",
                        "-cp",
                        System.getProperty("java.class.path")));
    }

    /** Starts it and waits until the socket is there. */
    static TestWorker start(Scratch scratch) throws IOException {
        return start(scratch, List.of());
    }

    /**
     * @param wrapper a command that is put before java, for example strace
     * @param options for the JVM, after those that it is installed with
     */
    static TestWorker start(Scratch scratch, List<String> wrapper, String... options)
            throws IOException {
        Files.deleteIfExists(scratch.socket);
        var command =
                new ArrayList<>(List.of("systemd-socket-activate", "--listen=" + scratch.socket));
        for (Map.Entry<String, String> variable : scratch.environment().entrySet()) {
            command.add("--setenv=" + variable.getKey() + "=" + variable.getValue());
        }
        command.add("--setenv=PATH=" + System.getenv("PATH"));
        if (System.getenv("NOTIFY_SOCKET") == null
                && scratch.environment().containsKey("NOTIFY_SOCKET")) {
            command.add("--setenv=NOTIFY_SOCKET=" + scratch.environment().get("NOTIFY_SOCKET"));
        }
        command.addAll(wrapper);
        command.addAll(java());
        command.addAll(List.of(options));
        command.addAll(List.of("hookqueue.Main", "serve"));
        Path log = scratch.dir.resolve("log.txt");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        Scratch.eventually(
                Duration.ofSeconds(10),
                "somebody who listens at " + scratch.socket,
                () -> listensAt(scratch.socket));
        return new TestWorker(process, log);
    }

    /**
     * The file is there before one can connect to it; the flag is the kernel's for a socket that
     * listens.
     */
    private static boolean listensAt(Path socket) {
        try (Stream<String> sockets = Files.lines(Path.of("/proc/net/unix"))) {
            return sockets.anyMatch(
                    line -> line.contains(" 00010000 ") && line.endsWith(" " + socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    /** SIGKILL, to the worker alone. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGTERM, and its exit status. */
    int terminate() throws InterruptedException {
        process.destroy();
        return exit(Duration.ofSeconds(15));
    }

    /** Its exit status, once it ends by itself. */
    int exit(Duration most) throws InterruptedException {
        if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("the worker still runs after " + most + ": " + log());
        }
        return process.exitValue();
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() throws InterruptedException {
        if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            kill();
        }
    }
}
