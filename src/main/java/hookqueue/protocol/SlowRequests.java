package hookqueue.protocol;

import java.util.concurrent.Semaphore;

/**
 * The places for requests that hold a connection for long: {@code wait}, {@code watch}, {@code
 * explain}, {@code verify} and {@code check}. There are fewer than connections, so that hooks find
 * a free one however many CI jobs wait. A client that finds no place is told at once, and may ask
 * again.
 */
final class SlowRequests {
    /** Of {@link Listener#MOST_SESSIONS} connections. */
    static final int MOST = 48;

    static final String NO_PLACE =
            "error " + MOST + " clients wait, watch or explain already; try again later";

    private final Semaphore places = new Semaphore(MOST);

    static boolean isSlow(Request request) {
        return request instanceof Request.Wait
                || request instanceof Request.Watch
                || request instanceof Request.Explain
                || request instanceof Request.Verify
                || request instanceof Request.Check;
    }

    boolean enter() {
        return places.tryAcquire();
    }

    void leave() {
        places.release();
    }
}
