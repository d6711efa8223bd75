package hookqueue.queue;

import java.util.concurrent.atomic.AtomicLong;

/** Wakes threads that wait for the queue to change. */
final class ChangeSignal {
    /** Guards {@link #version}: others wait on it. */
    private final Object lock = new Object();

    private long version;

    private final AtomicLong queued = new AtomicLong();

    /** Counts paths that were queued, also again. */
    void queued(int paths) {
        queued.addAndGet(paths);
    }

    long queued() {
        return queued.get();
    }

    long version() {
        synchronized (lock) {
            return version;
        }
    }

    void await(long seen, long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        synchronized (lock) {
            while (version == seen) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return;
                }
                lock.wait(left);
            }
        }
    }

    void wake() {
        synchronized (lock) {
            version++;
            lock.notifyAll();
        }
    }
}
