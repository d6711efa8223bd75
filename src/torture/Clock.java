import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The time of day as the worker and its children see it, by faults.c. How much time has gone by stays true. */
final class Clock {
    private final Path offset;

    Clock(World world) throws IOException {
        offset = world.dir.resolve("clock");
        set(0);
        world.set("CLOCK_OFFSET", offset);
    }

    void set(int minutes) throws IOException {
        Path next = offset.resolveSibling("clock-next");
        Files.writeString(next, minutes * 60 + "\n");
        Files.move(next, offset, StandardCopyOption.ATOMIC_MOVE);
    }
}
