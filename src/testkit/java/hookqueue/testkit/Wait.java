package hookqueue.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;

/** Waits for conditions. */
public final class Wait {
    private Wait() {}

    /** A condition that may fail with an I/O error. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws IOException;
    }

    /** Whether the condition becomes true in time. Checks it every 20 ms. */
    public static boolean comesTrue(Duration most, Condition condition) {
        long end = System.nanoTime() + most.toNanos();
        try {
            while (!condition.holds()) {
                if (System.nanoTime() > end) {
                    return false;
                }
                World.pause(20);
            }
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
