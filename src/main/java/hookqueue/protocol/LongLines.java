package hookqueue.protocol;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The room for long lines, which all sessions share: 64 lines of 1 MiB would fill the heap. A line
 * longer than {@link #SHORT} needs a place until it is answered. A client that finds none within
 * the time for a line gets an error.
 */
final class LongLines {
    /** Bytes of a line that needs no place: about 700 paths. */
    static final int SHORT = 64 * 1024;

    private static final int PLACES = 2;

    private final Semaphore places = new Semaphore(PLACES, true);

    /** Waits for a place; false after {@code most}. */
    boolean enter(Duration most) throws InterruptedException {
        return places.tryAcquire(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    void leave() {
        places.release();
    }
}
