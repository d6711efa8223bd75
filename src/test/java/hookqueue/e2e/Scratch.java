package hookqueue.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A folder with a Nix store of its own, a signing key, and the settings of a queue for it. Deleted
 * when closed.
 */
final class Scratch implements AutoCloseable {
    final Path dir;
    final Path store;
    final Path state;
    final Path roots;
    final Path key;
    final Path socket;
    private final Map<String, String> environment = new HashMap<>();

    Scratch() throws IOException {
        dir = Files.createTempDirectory("hookqueue-");
        store = Files.createDirectory(dir.resolve("store"));
        state = Files.createDirectory(dir.resolve("state"));
        roots = Files.createDirectories(dir.resolve("var/gcroots/nix-post-build-hook-queue"));
        key = dir.resolve("key");
        socket = dir.resolve("s");
        Path conf = Files.createDirectory(dir.resolve("conf"));
        Files.writeString(
                conf.resolve("nix.conf"),
                "build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command\n");
        set("NIX_STORE_DIR", store);
        set("NIX_STATE_DIR", dir.resolve("var"));
        set("NIX_LOG_DIR", dir.resolve("log"));
        set("NIX_CONF_DIR", conf);
        set("NIX_REMOTE", "");
        set("HOME", dir);
        set("XDG_CACHE_HOME", dir.resolve("cache"));
        set("NPBHQ_STORE_DIR", store);
        set("NPBHQ_STATE_DIR", state);
        set("NPBHQ_GCROOTS_DIR", roots);
        set("NPBHQ_SOCKET", socket);
        set("NPBHQ_IDLE_TIMEOUT", "60s");
        set("NPBHQ_HOOK_TIMEOUT", "30s"); // a machine that runs tests may be slow to start a JVM
    }

    Scratch set(String name, Object value) {
        environment.put(name, value.toString());
        return this;
    }

    Map<String, String> environment() {
        return Map.copyOf(environment);
    }

    /** Adds a line to the store's nix.conf. */
    void configure(String line) throws IOException {
        Files.writeString(dir.resolve("conf/nix.conf"), line + "\n", StandardOpenOption.APPEND);
    }

    /** Makes the signing key and has the queue sign with it; returns the public key. */
    String signing() throws IOException {
        Files.writeString(key, run("nix", "key", "generate-secret", "--key-name", "test-1"));
        set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", key);
        return run("sh", "-c", "nix key convert-secret-to-public < " + key).strip();
    }

    /**
     * Builds so many independent derivations for real; the names tell them apart from other calls'.
     */
    List<String> build(String prefix, int count) throws IOException {
        return build(
                "let mk = n: derivation { name = n; system = builtins.currentSystem; builder = \"/bin/sh\";"
                        + " args = [ \"-c\" \"echo ${n} > $out\" ]; };"
                        + " in builtins.genList (i: mk \""
                        + prefix
                        + "-${toString i}\") "
                        + count);
    }

    /** Builds an expression and returns its outputs. */
    List<String> build(String expression) throws IOException {
        Path file = Files.writeString(dir.resolve("expression.nix"), expression);
        return run("nix-build", "--no-out-link", file.toString()).lines().toList();
    }

    /**
     * Runs a command to its end; what it prints to standard output. A failure is an error with all
     * it printed.
     */
    String run(String... command) throws IOException {
        return runFor(Duration.ofSeconds(100), command);
    }

    /** As {@link #run}, for so long at most. */
    String runFor(Duration most, String... command) throws IOException {
        Result result = attempt(most, Map.of(), command);
        if (result.status() != 0) {
            throw new IOException(
                    String.join(" ", command)
                            + " exited with "
                            + result.status()
                            + ": "
                            + result.errors());
        }
        return result.output();
    }

    /** How a command ended. */
    record Result(int status, String output, String errors) {}

    Result attempt(String... command) throws IOException {
        return attempt(Map.of(), command);
    }

    Result attempt(Map<String, String> more, String... command) throws IOException {
        return attempt(Duration.ofSeconds(100), more, command);
    }

    private Result attempt(Duration most, Map<String, String> more, String... command)
            throws IOException {
        Path out = Files.createTempFile(dir, "out", "");
        Path err = Files.createTempFile(dir, "err", "");
        var builder =
                new ProcessBuilder(command)
                        .redirectInput(new java.io.File("/dev/null"))
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile());
        builder.environment().putAll(environment);
        builder.environment().putAll(more);
        Process process = builder.start();
        try {
            if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new IOException(
                        "still running after " + most + ": " + String.join(" ", command));
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    static Path script(String name) {
        return Path.of("src/main/sh", name).toAbsolutePath();
    }

    /** The hook as Nix runs it. */
    Result hook(String... paths) throws IOException {
        return attempt(
                Map.of("OUT_PATHS", String.join(" ", paths)), script("post-build-hook").toString());
    }

    Result client(String... words) throws IOException {
        var command = new ArrayList<>(List.of(script("nix-post-build-hook-queue").toString()));
        command.addAll(List.of(words));
        return attempt(command.toArray(String[]::new));
    }

    /** Waits for something to become true; an error with a description after so long. */
    static void eventually(Duration most, String what, BooleanSupplier condition) {
        long end = System.nanoTime() + most.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + most + ": " + what);
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a file holds, which is nothing when it is not there. */
    static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes a script below the folder; it begins with {@code #!}. */
    Path script(String name, String content) throws IOException {
        Path file = Files.writeString(dir.resolve(name), content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }

    /** Whether a file:// cache has a path. */
    static boolean has(Path cache, String storePath) {
        String base = storePath.substring(storePath.lastIndexOf('/') + 1);
        return Files.exists(cache.resolve(base.substring(0, 32) + ".narinfo"));
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> all = Files.walk(dir)) {
            all.filter(file -> Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .forEach(folder -> folder.toFile().setWritable(true));
        }
        try (Stream<Path> all = Files.walk(dir)) {
            all.sorted(Comparator.reverseOrder())
                    .forEach(file -> {
                        try {
                            Files.deleteIfExists(file);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
        }
    }
}
