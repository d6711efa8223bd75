package hookqueue.protocol;

import java.util.concurrent.Semaphore;

/**
 * The places for requests that hold a connection for long: {@code wait}, {@code watch}, {@code
 * explain} and {@code verify}. There are fewer than connections, so that hooks find a free one
 * however many CI jobs wait. A client without a place gets an error at once, and may ask again.
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
                || request instanceof Request.Verify;
    }

    boolean enter() {
        return places.tryAcquire();
    }

    void leave() {
        places.release();
    }
}
