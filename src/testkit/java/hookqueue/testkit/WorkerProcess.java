package hookqueue.testkit;

import java.io.IOException;
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
 * connection, and the worker from then on. Unlike systemd, it does not start the next worker;
 * {@link #listen} does, on the same socket file.
 */
public final class WorkerProcess implements AutoCloseable {
    private final World world;
    private final Process process;
    private final Path log;

    private WorkerProcess(World world, Process process, Path log) {
        this.world = world;
        this.process = process;
        this.log = log;
    }

    /** Listens when this returns; the first connection starts the worker. */
    public static WorkerProcess listen(World world) throws IOException {
        return listen(world, List.of());
    }

    /** The same, but the worker has started when this returns. */
    public static WorkerProcess start(World world) throws IOException {
        WorkerProcess worker = listen(world);
        worker.ask("version");
        return worker;
    }

    /**
     * @param wrapper a command that is put before the worker's, for example strace
     * @param options for the JVM of {@link Program#ofSources}, after those that it is installed
     *     with
     */
    public static WorkerProcess listen(World world, List<String> wrapper, String... options)
            throws IOException {
        Files.deleteIfExists(world.socket);
        var command =
                new ArrayList<>(List.of("systemd-socket-activate", "--listen=" + world.socket));
        // It passes on only the variables that --setenv names.
        world.environment().keySet().forEach(name -> command.add("--setenv=" + name));
        command.addAll(wrapper);
        command.addAll(world.program.worker(options));
        Path log = world.dir.resolve("log.txt");
        Process process =
                world.builder(Map.of(), command.toArray(String[]::new))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        var worker = new WorkerProcess(world, process, log);
        World.eventually(
                Duration.ofSeconds(20),
                "a listener at " + world.socket,
                () -> {
                    if (!process.isAlive()) {
                        throw new IOException("systemd-socket-activate: " + worker.log());
                    }
                    return listensAt(world.socket);
                });
        return worker;
    }

    /** The file exists before a client can connect to it; the kernel's flag says when it can. */
    private static boolean listensAt(Path socket) throws IOException {
        try (Stream<String> sockets = Files.lines(Path.of("/proc/net/unix"))) {
            return sockets.anyMatch(
                    line -> line.contains(" 00010000 ") && line.endsWith(" " + socket));
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    public String log() {
        return World.text(log);
    }

    /** The last line of the answer to a request; an exception if it is an error. */
    public String ask(String line) throws IOException {
        return lines(line).getLast();
    }

    /** All lines of the answer. */
    public List<String> lines(String line) throws IOException {
        try (var client = new Client(world.socket)) {
            return client.ask(line);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "; the worker's log: " + log(), e);
        }
    }

    /** How many descendants the worker has. */
    public long children() {
        return process.descendants().count();
    }

    /** Sends SIGKILL to the worker, and not to its children. */
    public void kill() {
        process.destroyForcibly();
        exit(Duration.ofSeconds(20));
    }

    /** Sends SIGTERM, and returns the exit status. */
    public int terminate() {
        process.destroy();
        return exit(Duration.ofSeconds(20));
    }

    /** Waits until it exits, and returns the status. */
    public int exit(Duration most) {
        try {
            if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException(
                        "the worker still runs after " + most + ": " + log());
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return process.exitValue();
    }

    /**
     * Ends the worker. In a kept world by SIGTERM, as systemd does, because a benchmark may measure
     * the next start; otherwise by SIGKILL, because a test may have stopped it.
     */
    @Override
    public void close() throws IOException {
        if (process.isAlive() && world.isKept()) {
            terminate();
        } else if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            kill();
        }
        Files.deleteIfExists(world.socket);
    }
}
