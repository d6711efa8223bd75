import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A scratch folder with a Nix store of its own, a signing key, and the settings of a queue for it: nothing of this
 * machine's store, settings or daemon takes part.
 *
 * <p>Nothing is deleted before all is measured: for minutes after many files were deleted, ext4 takes half a
 * millisecond instead of 20 µs to make one in the same part of the disk, for it looks for an inode that was not in use
 * lately. For the same reason each of these folders is in a part of its own.
 */
final class World implements AutoCloseable {
    private static final Path BASE = base();
    private static int worlds;
    final Path dir;
    final Path dist;
    final Path store;
    final Path state;
    final Path roots;
    final Path key;
    final Path socket;
    private final Map<String, String> environment = new TreeMap<>();
    private int aside;

    /**
     * @param dist the installed tree whose worker and hook are measured
     */
    World(Path dist) throws IOException {
        this.dist = dist;
        dir = Files.createDirectory(BASE.resolve("w" + ++worlds));
        // A hook runs as root, and becomes the owner of the state directory before it spools.
        Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwxr-xr-x"));
        store = Files.createDirectory(dir.resolve("store"));
        state = dir.resolve("state");
        roots = dir.resolve("var/gcroots/nix-post-build-hook-queue");
        key = dir.resolve("key");
        socket = dir.resolve("s");
        Path conf = Files.createDirectory(dir.resolve("conf"));
        Files.writeString(
                conf.resolve("nix.conf"),
                "build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command\n");
        environment.putAll(Map.of(
                "PATH", System.getenv("PATH"),
                "HOME", dir.toString(),
                "XDG_CACHE_HOME", dir.resolve("cache-home").toString(),
                "NIX_STORE_DIR", store.toString(),
                "NIX_STATE_DIR", dir.resolve("var").toString(),
                "NIX_LOG_DIR", dir.resolve("log").toString(),
                "NIX_CONF_DIR", conf.toString()));
        environment.putAll(Map.of(
                "JAVA_HOME", System.getProperty("java.home"),
                "NPBHQ_STORE_DIR", store.toString(),
                "NPBHQ_STATE_DIR", state.toString(),
                "NPBHQ_GCROOTS_DIR", roots.toString(),
                "NPBHQ_SOCKET", socket.toString(),
                "NPBHQ_IDLE_TIMEOUT", "120s"));
        forget();
        run("nix-store", "--generate-binary-cache-key", "bench-1", key.toString(), dir.resolve("key.pub").toString());
    }

    /** An empty queue: no database, no roots, no spool. */
    void forget() throws IOException {
        setAside(state);
        setAside(roots);
        Files.createDirectories(state);
        Files.createDirectories(roots);
    }

    /** Out of the way, but not deleted. */
    void setAside(Path folder) throws IOException {
        if (Files.exists(folder)) {
            Files.move(folder, dir.resolve("aside-" + ++aside));
        }
    }

    World set(String name, Object value) {
        environment.put(name, value.toString());
        return this;
    }

    World unset(String name) {
        environment.remove(name);
        return this;
    }

    /** What children are started with, and nothing else. */
    Map<String, String> environment() {
        return Map.copyOf(environment);
    }

    Path hook() {
        return dist.resolve("bin/post-build-hook");
    }

    /** So many new valid paths in the store, each one file of so many bytes that do not compress. */
    List<String> add(String prefix, int count, int bytes) throws IOException {
        Path folder = Files.createDirectory(dir.resolve("in-" + prefix));
        var random = new java.util.Random(prefix.hashCode());
        var paths = new ArrayList<String>();
        var command = new ArrayList<String>();
        for (int i = 0; i < count; i++) {
            byte[] content = new byte[bytes];
            random.nextBytes(content);
            command.add(Files.write(folder.resolve(prefix + "-" + i), content).toString());
            if (command.size() == 500 || i == count - 1) {
                command.addAll(0, List.of("nix-store", "--add"));
                paths.addAll(run(command.toArray(String[]::new)).lines().toList());
                command.clear();
            }
        }
        delete(folder);
        return paths;
    }

    /** So many empty files of the form that store paths have, unknown to Nix: for a queue whose program does nothing. */
    List<String> made(String prefix, int count) throws IOException {
        var paths = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) {
            paths.add(made(prefix, i, 0));
        }
        return paths;
    }

    /** The n-th of these; different salts make different ones. */
    String made(String prefix, int n, int salt) throws IOException {
        Path path = Path.of("%s/%012d%020d-%s-%d".formatted(store, salt, n, prefix, n));
        Files.createFile(path);
        return path.toString();
    }

    /** Runs a command to its end; what it prints. A failure is an error with all that it printed. */
    String run(String... command) throws IOException {
        return run(Map.of(), command);
    }

    String run(Map<String, String> more, String... command) throws IOException {
        File out = File.createTempFile("out", "", dir.toFile());
        File err = File.createTempFile("err", "", dir.toFile());
        try {
            Process process = builder(more, command).redirectOutput(out).redirectError(err).start();
            if (!process.waitFor(10, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IOException("still running after 10 min: " + String.join(" ", command));
            }
            if (process.exitValue() != 0) {
                throw new IOException("%.300s ended with %d: %s"
                        .formatted(String.join(" ", command), process.exitValue(), text(err.toPath())));
            }
            return text(out.toPath());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            Files.delete(out.toPath());
            Files.delete(err.toPath());
        }
    }

    ProcessBuilder builder(Map<String, String> more, String... command) {
        var builder = new ProcessBuilder(command).redirectInput(new File("/dev/null"));
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().putAll(more);
        return builder;
    }

    /** What a file holds; nothing when it is not there. */
    static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path script(String name, String content) throws IOException {
        Path file = Files.writeString(dir.resolve(name), content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }

    /** The folder stays until the end of all measurements. */
    @Override
    public void close() {}

    private static Path base() {
        try {
            Path base = Files.createTempDirectory("npbhq-");
            Files.setPosixFilePermissions(base, PosixFilePermissions.fromString("rwxr-xr-x"));
            // "Top of directory hierarchies": ext4 spreads the folders below it over the disk. Others need no such thing.
            new ProcessBuilder("chattr", "+T", base.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    delete(base);
                } catch (IOException e) {
                    System.err.println("not deleted: " + e);
                }
            }));
            return base;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** With all that is in it; Nix takes the right to write from what it has built. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes about) {
                if (!dir.toFile().setWritable(true)) {
                    throw new IllegalStateException("not ours: " + dir);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes about) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException failed) throws IOException {
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
