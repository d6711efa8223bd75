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
 * connection, and the worker from then on. One socket file serves several workers, one after
 * another, as systemd's does, only when they are started anew by {@link #listen}.
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

    /** Somebody listens when this returns; the first connection starts the worker. */
    public static WorkerProcess listen(World world) throws IOException {
        return listen(world, List.of());
    }

    /** The same, and the worker has answered once. */
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
        // It starts its program with none of its environment but what it is told.
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
                "somebody who listens at " + world.socket,
                () -> {
                    if (!process.isAlive()) {
                        throw new IOException("systemd-socket-activate: " + worker.log());
                    }
                    return listensAt(world.socket);
                });
        return worker;
    }

    /**
     * The file is there before one can connect to it; the flag is the kernel's for a socket that
     * listens.
     */
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

    /** The last line of the reply to one request; an error when that is one. */
    public String ask(String line) throws IOException {
        return lines(line).getLast();
    }

    /** All lines of it. */
    public List<String> lines(String line) throws IOException {
        try (var client = new Client(world.socket)) {
            return client.ask(line);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "; the worker says: " + log(), e);
        }
    }

    /** How many children the worker has now, and they. */
    public long children() {
        return process.descendants().count();
    }

    /** SIGKILL, to the worker alone. */
    public void kill() {
        process.destroyForcibly();
        exit(Duration.ofSeconds(20));
    }

    /** SIGTERM, and its exit status. */
    public int terminate() {
        process.destroy();
        return exit(Duration.ofSeconds(20));
    }

    /** Its exit status, once it ends by itself. */
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
     * Its end, as systemd brings it about where the world is kept, since a start is measured that
     * finds what such an end leaves; otherwise by SIGKILL, for a test may have stopped it.
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
