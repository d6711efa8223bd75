package hookqueue.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Has a world run src/testkit/sh/fake-nix in the place of Nix, and programs that are the same; that
 * file says what it does. Destinations are known by their names: the last part of their URL, or the
 * name of the program.
 */
public final class FakeNix {
    /** How a destination is just now. */
    public enum Mode {
        UP,
        SLOW,
        /** Takes all in 10 s, 40 MB a path, and reports its progress. */
        PACED,
        DOWN,
        /** Takes the first half of a batch, and ends with an error. */
        HALF,
        /** Takes the first half, and dies. */
        CRASH,
        /** Takes nothing, says nothing and does not end; ignores SIGTERM. */
        HANG,
        /** Takes all in 4 s; only the bytes that it moves show that it is alive. */
        CRAWL,
        /** Takes all, and ends a second later. */
        LINGER,
        /** Takes nothing and does not end; repeats the same progress. */
        STUCK;

        /** Whether a path that it gets alone is not taken. */
        public boolean fails() {
            return switch (this) {
                case UP, SLOW, PACED, CRAWL, LINGER -> false;
                case DOWN, HALF, CRASH, HANG, STUCK -> true;
            };
        }
    }

    private static final String SIGNED = "sign ";
    private static final Path SCRIPT =
            Path.of(System.getProperty("testkit", "src/testkit"), "sh/fake-nix").toAbsolutePath();

    private final World world;
    private final boolean real;

    /** Nothing is anywhere but in its lists. */
    public FakeNix(World world) throws IOException {
        this(world, "");
    }

    /**
     * @param real the real Nix, which then does what this one lets through; empty for none
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

    /** A program for {@code exec:} by this name. */
    public Path program(String name) throws IOException {
        return Files.createSymbolicLink(world.dir.resolve(name), SCRIPT);
    }

    public void set(String destination, Mode mode) throws IOException {
        // Never a moment without one.
        Path aside = Files.writeString(world.dir.resolve("mode-aside"), mode + "\n");
        Files.move(aside, world.dir.resolve("mode-" + destination), StandardCopyOption.ATOMIC_MOVE);
    }

    /** It refuses everything, and says this. */
    public void refuse(String destination, String says) throws IOException {
        Files.writeString(world.dir.resolve("says-" + destination), says);
        set(destination, Mode.DOWN);
    }

    /** A file to which each call adds what /proc tells of it, and a line "done". */
    public Path spy() throws IOException {
        return Files.createFile(world.dir.resolve("spied"));
    }

    /** A file to which each call adds its arguments as a line. */
    public Path calls() throws IOException {
        return Files.createFile(world.dir.resolve("calls"));
    }

    /**
     * Whether a destination has a path, as another machine would see it: by what the destination
     * stores, whatever was reported about it.
     */
    public boolean has(String destination, String path) {
        Path cache = world.dir.resolve(destination);
        return real && !Files.isSymbolicLink(cache)
                ? World.has(cache, path)
                : Files.exists(stored(destination, path));
    }

    /** A destination loses a path, and nobody is told. */
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

    /** The process that was {@link Mode#STUCK} last; empty before there was one. */
    public Optional<ProcessHandle> stuck() {
        String pid = World.text(world.dir.resolve("stuck")).strip();
        return pid.isEmpty() ? Optional.empty() : ProcessHandle.of(Long.parseLong(pid));
    }

    /** What was delivered, as "DESTINATION PATH". */
    public Set<String> delivered() throws IOException {
        return new HashSet<>(deliveries());
    }

    /** The same, as often as it was, and in this order. */
    public List<String> deliveries() throws IOException {
        return lines().stream().filter(line -> !line.startsWith(SIGNED)).toList();
    }

    /** What was delivered before it was signed. */
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
