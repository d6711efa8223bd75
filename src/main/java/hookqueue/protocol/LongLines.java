package hookqueue.protocol;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The room for long lines, which all sessions share: 64 clients with a line of 1 MiB each would
 * fill a heap that is meant for lines of a few paths. A line over {@link #SHORT} needs a place from
 * there until it has been answered; whoever finds none for a while is told so.
 */
final class LongLines {
    /** Bytes that every session may have of its own: some 700 paths. */
    static final int SHORT = 64 * 1024;

    private static final int PLACES = 2;

    private final Semaphore places = new Semaphore(PLACES, true);

    /** Waits for a place; false when there is none in time. */
    boolean enter(Duration most) throws InterruptedException {
        return places.tryAcquire(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    void leave() {
        places.release();
    }
}
