import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The time of day as the worker and its children see it, by libfaketime, which is preloaded. How much time has gone by stays true. */
final class Clock {
    private final Path offset;

    Clock(World world) throws IOException {
        offset = world.dir.resolve("clock");
        set(0);
        world.set("FAKETIME_TIMESTAMP_FILE", offset)
                .set("FAKETIME_NO_CACHE", 1)
                .set("FAKETIME_DONT_FAKE_MONOTONIC", 1)
                .set("NO_FAKE_STAT", 1);
    }

    void set(int minutes) throws IOException {
        Path next = offset.resolveSibling("clock-next");
        Files.writeString(next, "%+d\n".formatted(minutes * 60));
        Files.move(next, offset, StandardCopyOption.ATOMIC_MOVE);
    }
}
