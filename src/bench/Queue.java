import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The worker of a {@link World} behind systemd-socket-activate, started as systemd does: the process only listens until
 * the first connection, and is the worker from then on.
 */
final class Queue implements AutoCloseable {
    private final World world;
    private final Process process;
    private final Path log;

    private Queue(World world, Process process, Path log) {
        this.world = world;
        this.process = process;
        this.log = log;
    }

    /** Listens, when this returns. */
    static Queue listen(World world) throws IOException {
        return listen(world, Map.of());
    }

    static Queue listen(World world, Map<String, String> more) throws IOException {
        Files.deleteIfExists(world.socket);
        var command = new ArrayList<>(List.of("systemd-socket-activate", "-l", world.socket.toString()));
        // It starts its program with none of the environment but what it is told.
        for (String name : world.environment().keySet()) {
            command.addAll(List.of("-E", name));
        }
        for (String name : more.keySet()) {
            command.addAll(List.of("-E", name));
        }
        command.addAll(List.of(world.dist.resolve("bin/nix-post-build-hook-queue").toString(), "serve"));
        Path log = world.dir.resolve("worker.log");
        Process process = world.builder(more, command.toArray(String[]::new))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        var queue = new Queue(world, process, log);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!listening(world.socket)) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new IOException("systemd-socket-activate does not listen: " + queue.log());
            }
            pause(2);
        }
        return queue;
    }

    /** The same, and the worker has answered once. */
    static Queue start(World world) throws IOException {
        Queue queue = listen(world);
        queue.ask("version");
        return queue;
    }

    /** The file is there before one can connect to it; the flag is the kernel's for a socket that listens. */
    private static boolean listening(Path socket) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/net/unix"))) {
            return lines.anyMatch(line -> line.contains(" 00010000 ") && line.endsWith(" " + socket));
        }
    }

    long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    String log() {
        return World.text(log);
    }

    /** The last line of the reply to one request; an error when that is one. */
    String ask(String line) throws IOException {
        return lines(line).getLast();
    }

    /** All lines of it. */
    List<String> lines(String line) throws IOException {
        try (var client = new Client(world.socket)) {
            return client.ask(line);
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "; the worker says: " + log(), e);
        }
    }

    /** The children that the worker has now, and theirs. */
    long children() {
        return process.descendants().count();
    }

    void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        exit(20);
    }

    /** Its exit status, once it ends by itself. */
    int exit(int seconds) {
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the worker still runs after " + seconds + " s: " + log());
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return process.exitValue();
    }

    /** SIGTERM, and its end. */
    @Override
    public void close() throws IOException {
        if (process.isAlive()) {
            process.destroy();
            exit(20);
        }
        Files.deleteIfExists(world.socket);
    }

    static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

}
