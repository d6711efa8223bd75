package hookqueue.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A folder with its own Nix store, a signing key, and the settings of a queue. Processes in it get
 * these settings, and of this JVM's environment only PATH.
 */
public final class World implements AutoCloseable {
    public final Program program;
    public final Path dir;
    public final Path store;
    public final Path state;
    public final Path roots;
    public final Path key;
    public final Path socket;
    private final boolean kept;
    private final Map<String, String> environment = new TreeMap<>();
    private int aside;

    /** For the program of the sources. {@link #close} deletes the folder. */
    public World() throws IOException {
        this(Program.ofSources(), Files.createTempDirectory("hookqueue-"), false);
        set("NPBHQ_IDLE_TIMEOUT", "60s");
        set("NPBHQ_HOOK_TIMEOUT", "30s"); // a busy machine may start a JVM slowly
    }

    private World(Program program, Path dir, boolean kept) throws IOException {
        this.program = program;
        this.dir = dir;
        this.kept = kept;
        // A hook runs as root, and becomes the owner of the state directory before it spools.
        Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwxr-xr-x"));
        store = Files.createDirectory(dir.resolve("store"));
        state = Files.createDirectory(dir.resolve("state"));
        roots = Files.createDirectories(dir.resolve("var/gcroots/nix-post-build-hook-queue"));
        key = dir.resolve("key");
        socket = dir.resolve("s");
        Path conf = Files.createDirectory(dir.resolve("conf"));
        Files.writeString(
                conf.resolve("nix.conf"),
                "build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command\n");
        set("PATH", System.getenv("PATH"));
        set("JAVA_HOME", System.getProperty("java.home"));
        set("NIX_STORE_DIR", store);
        set("NIX_STATE_DIR", dir.resolve("var"));
        set("NIX_LOG_DIR", dir.resolve("log"));
        set("NIX_CONF_DIR", conf);
        set("NIX_REMOTE", "");
        set("HOME", dir);
        set("XDG_CACHE_HOME", dir.resolve("cache-home"));
        set("NPBHQ_STORE_DIR", store);
        set("NPBHQ_STATE_DIR", state);
        set("NPBHQ_GCROOTS_DIR", roots);
        set("NPBHQ_SOCKET", socket);
    }

    /**
     * For measurements of an installed tree. The folder stays until this JVM ends, and is in its
     * own part of the disk: for minutes after many files were deleted, ext4 takes half a
     * millisecond instead of 20 µs to make a file in the same part, because it avoids recently used
     * inodes.
     */
    public static World kept(Path tree) throws IOException {
        var world = new World(Program.installed(tree), Folders.kept(), true);
        world.signing();
        return world.unset("NPBHQ_SIGNING_PRIVATE_KEY_PATH").set("NPBHQ_IDLE_TIMEOUT", "120s");
    }

    public World set(String name, Object value) {
        environment.put(name, value.toString());
        return this;
    }

    public World unset(String name) {
        environment.remove(name);
        return this;
    }

    public Map<String, String> environment() {
        return Map.copyOf(environment);
    }

    boolean isKept() {
        return kept;
    }

    /** Adds a line to the store's nix.conf. */
    public void configure(String line) throws IOException {
        Files.writeString(dir.resolve("conf/nix.conf"), line + "\n", StandardOpenOption.APPEND);
    }

    /** Makes the signing key, and sets it in the queue's settings. Returns the public key. */
    public String signing() throws IOException {
        Path publicKey = dir.resolve("key.pub");
        run("nix-store", "--generate-binary-cache-key", "test-1", "" + key, "" + publicKey);
        set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", key);
        return Files.readString(publicKey).strip();
    }

    /** Empties the queue: no database, no roots, no spool. */
    public void forget() throws IOException {
        setAside(state);
        setAside(roots);
        Files.createDirectories(state);
        Files.createDirectories(roots);
    }

    /** Renames a folder instead of deleting it. */
    public void setAside(Path folder) throws IOException {
        if (Files.exists(folder)) {
            Files.move(folder, dir.resolve("aside-" + ++aside));
        }
    }

    /**
     * Builds independent derivations with Nix.
     *
     * @param prefix of their names, which differs from other calls'
     */
    public List<String> build(String prefix, int count) throws IOException {
        return build(
                "let mk = n: derivation { name = n; system = builtins.currentSystem; builder = \"/bin/sh\";"
                        + " args = [ \"-c\" \"echo ${n} > $out\" ]; };"
                        + " in builtins.genList (i: mk \""
                        + prefix
                        + "-${toString i}\") "
                        + count);
    }

    /** Builds an expression and returns its outputs. */
    public List<String> build(String expression) throws IOException {
        Path file = Files.writeString(dir.resolve("expression.nix"), expression);
        return run("nix-build", "--no-out-link", file.toString()).lines().toList();
    }

    /** Adds new valid paths to the store. Each is a file of {@code bytes} random bytes. */
    public List<String> add(String prefix, int count, int bytes) throws IOException {
        Path folder = Files.createDirectory(dir.resolve("in-" + prefix));
        var random = new Random(prefix.hashCode());
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
        Folders.delete(folder);
        return paths;
    }

    /**
     * Makes empty files with the names of store paths, unknown to Nix, for a queue whose program
     * does nothing.
     */
    public List<String> made(String prefix, int count) throws IOException {
        var paths = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) {
            paths.add(made(prefix, i, 0));
        }
        return paths;
    }

    /** The n-th of these files; different salts make different names. */
    public String made(String prefix, int n, int salt) throws IOException {
        Path path = Path.of("%s/%012d%020d-%s-%d".formatted(store, salt, n, prefix, n));
        return Files.createFile(path).toString();
    }

    /** Makes a shell script the only destination. */
    public Path deliverWith(String script) throws IOException {
        Path program = dir.resolve("program");
        Files.writeString(program, "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        set("NPBHQ_UPLOAD_TO", "exec:" + program);
        return program;
    }

    /**
     * Runs a command to its end, and returns its standard output. A failure is an exception with
     * its error messages.
     */
    public String run(String... command) throws IOException {
        return run(Map.of(), command);
    }

    /** The same with further environment variables. */
    public String run(Map<String, String> more, String... command) throws IOException {
        Result result = attempt(more, command);
        if (result.status() != 0) {
            throw new IOException(
                    "%.300s exited with %d: %s"
                            .formatted(
                                    String.join(" ", command), result.status(), result.errors()));
        }
        return result.output();
    }

    /** How a command exited. */
    public record Result(int status, String output, String errors) {}

    public Result attempt(String... command) throws IOException {
        return attempt(Map.of(), command);
    }

    public Result attempt(Map<String, String> more, String... command) throws IOException {
        Path out = Files.createTempFile(dir, "out", "");
        Path err = Files.createTempFile(dir, "err", "");
        Process process =
                builder(more, command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        try {
            if (!process.waitFor(10, TimeUnit.MINUTES)) {
                throw new IOException("still runs after 10 minutes: " + String.join(" ", command));
            }
            return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
        } catch (InterruptedException e) {
            throw new IllegalStateException("while this ran: " + String.join(" ", command), e);
        } finally {
            process.destroyForcibly();
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** A process with exactly these settings, and an empty standard input. */
    public ProcessBuilder builder(Map<String, String> more, String... command) {
        var builder = new ProcessBuilder(command).redirectInput(new File("/dev/null"));
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().putAll(more);
        return builder;
    }

    /** Runs the hook as Nix does. */
    public Result hook(String... paths) throws IOException {
        return attempt(Map.of("OUT_PATHS", String.join(" ", paths)), program.hook().toString());
    }

    public Result client(String... words) throws IOException {
        var command = new ArrayList<>(List.of(program.client().toString()));
        command.addAll(List.of(words));
        return attempt(command.toArray(String[]::new));
    }

    /** Writes a script below the folder; it begins with {@code #!}. */
    public Path script(String name, String content) throws IOException {
        Path file = Files.writeString(dir.resolve(name), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Waits until the condition is true; an error with the description if it is not in time. */
    public static void eventually(Duration most, String what, Wait.Condition condition) {
        if (!Wait.comesTrue(most, condition)) {
            throw new AssertionError("not within " + most + ": " + what);
        }
    }

    /** For polling, and for samples at intervals. */
    public static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The content of a file; empty if it does not exist. */
    public static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether a file:// cache has a path. */
    public static boolean has(Path cache, String storePath) {
        String base = storePath.substring(storePath.lastIndexOf('/') + 1);
        return Files.exists(cache.resolve(base.substring(0, 32) + ".narinfo"));
    }

    /** Deletes the folder, unless it is kept until this JVM ends. */
    @Override
    public void close() throws IOException {
        if (!kept) {
            Folders.delete(dir);
        }
    }
}
