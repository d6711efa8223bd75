package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Installs src/testkit/sh/fake-nix in a world as Nix and as programs for {@code exec:}, and
 * controls it; that file describes its behaviour. The name of a destination is the last part of its
 * URL, or the name of the program.
 */
public final class FakeNix {
    /** How a destination behaves. */
    public enum Mode {
        UP,
        SLOW,
        /** Accepts all paths in 10 s, 40 MB each, and reports its progress. */
        PACED,
        DOWN,
        /** Accepts only paths that it has. */
        FULL,
        /** Accepts the first half of a batch, and exits with an error. */
        HALF,
        /** Accepts the first half, and crashes. */
        CRASH,
        /** Accepts no path, prints nothing and does not exit; ignores SIGTERM. */
        HANG,
        /** Accepts all paths in 4 s; only the bytes that it moves show that it is alive. */
        CRAWL,
        /** Accepts all paths, and exits a second later. */
        LINGER,
        /** Accepts no path and does not exit; repeats the same progress. */
        STUCK;

        /** Whether it refuses a batch of one path. */
        public boolean fails() {
            return switch (this) {
                case UP, SLOW, PACED, CRAWL, LINGER -> false;
                case DOWN, FULL, HALF, CRASH, HANG, STUCK -> true;
            };
        }
    }

    private static final String SIGNED = "sign ";
    private static final Path SCRIPT =
            Path.of(System.getProperty("testkit", "src/testkit"), "sh/fake-nix").toAbsolutePath();

    private final World world;
    private final boolean real;

    /** Copies nothing, and only keeps lists. */
    public FakeNix(World world) throws IOException {
        this(world, "");
    }

    /**
     * @param real the real Nix, to which this one passes the calls that succeed; empty for none
     */
    public FakeNix(World world, String real) throws IOException {
        this.world = world;
        this.real = !real.isEmpty();
        if (this.real) {
            Files.writeString(world.dir.resolve("real"), real + "\n");
        }
        Files.createFile(world.dir.resolve("delivered"));
        program("nix-store");
        world.set("NPBHQ_NIX", program("nix"));
    }

    /** Makes a program for {@code exec:} with this name. */
    public Path program(String name) throws IOException {
        return Files.createSymbolicLink(world.dir.resolve(name), SCRIPT);
    }

    public void set(String destination, Mode mode) throws IOException {
        // Replaces the file atomically.
        Path aside = Files.writeString(world.dir.resolve("mode-aside"), mode + "\n");
        Files.move(aside, world.dir.resolve("mode-" + destination), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Refuses every path, with this message. */
    public void refuse(String destination, String says) throws IOException {
        Files.writeString(world.dir.resolve("says-" + destination), says);
        set(destination, Mode.DOWN);
    }

    /**
     * A file to which each call appends its command line, environment and open files, and a line
     * "done".
     */
    public Path spy() throws IOException {
        return Files.createFile(world.dir.resolve("spied"));
    }

    /** A file to which each call appends its arguments as a line. */
    public Path calls() throws IOException {
        return Files.createFile(world.dir.resolve("calls"));
    }

    /**
     * Whether a destination stores a path, as another machine would see it, whatever was reported
     * about it.
     */
    public boolean has(String destination, String path) {
        Path cache = world.dir.resolve(destination);
        return real && !Files.isSymbolicLink(cache)
                ? World.has(cache, path)
                : Files.exists(stored(destination, path));
    }

    /** Deletes a path from a destination, without telling anybody. */
    public void lose(String destination, String path) throws IOException {
        Files.deleteIfExists(stored(destination, path));
        if (real) {
            Path cache = world.dir.resolve(destination);
            Files.deleteIfExists(cache.resolve(baseName(path).substring(0, 32) + ".narinfo"));
        }
    }

    private Path stored(String destination, String path) {
        return world.dir.resolve("has-" + destination).resolve(baseName(path));
    }

    private static String baseName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** The process IDs of the last process in {@link Mode#STUCK} and its child. */
    public List<String> stuck() {
        return List.of(World.text(world.dir.resolve("stuck")).strip().split(" "));
    }

    /** The deliveries as "DESTINATION PATH", each once. */
    public Set<String> delivered() throws IOException {
        return new HashSet<>(deliveries());
    }

    /** All deliveries, in their order. */
    public List<String> deliveries() throws IOException {
        return lines().stream().filter(line -> !line.startsWith(SIGNED)).toList();
    }

    /** The deliveries of paths that were not signed before. */
    public List<String> unsigned() throws IOException {
        var signed = new HashSet<String>();
        var wrong = new ArrayList<String>();
        for (String line : lines()) {
            if (line.startsWith(SIGNED)) {
                signed.add(line.substring(SIGNED.length()));
            } else if (!signed.contains(line.substring(line.indexOf(' ') + 1))) {
                wrong.add(line);
            }
        }
        return wrong;
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(world.dir.resolve("delivered"));
    }
}
