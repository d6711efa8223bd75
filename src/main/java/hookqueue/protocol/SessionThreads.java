package hookqueue.protocol;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that sessions run on. When a session has ended, its thread waits for the next one:
 * starting a thread takes longer than parsing a hook's line.
 *
 * <p>The listener's thread calls all methods.
 */
final class SessionThreads {
    /** More than these do not wait: hooks seldom come side by side, and a thread takes memory. */
    static final int MOST_IDLE = 4;

    /** Guarded by this object: a thread adds itself, and the listener takes it. */
    private final ArrayDeque<Worker> idle = new ArrayDeque<>();

    private volatile boolean closed;

    /** A thread for one session after another. */
    final class Worker {
        final Thread thread = new Thread(this::serve, "session");
        private volatile @Nullable Runnable next;

        private Worker() {
            thread.setDaemon(true);
        }

        /**
         * Runs the session on the thread.
         *
         * @throws OutOfMemoryError at the limit on processes
         */
        void run(Runnable session) {
            next = session;
            if (thread.getState() == Thread.State.NEW) {
                thread.start();
            } else {
                LockSupport.unpark(thread);
            }
        }

        private void serve() {
            do {
                Runnable session = next;
                while (session == null) {
                    if (closed) {
                        return;
                    }
                    LockSupport.park(this);
                    session = next;
                }
                next = null;
                session.run();
            } while (becomesIdle(this));
        }
    }

    /** An idle thread, or a new one that {@link Worker#run} starts. */
    synchronized Worker take() {
        Worker waiting = idle.poll();
        return waiting == null ? new Worker() : waiting;
    }

    private synchronized boolean becomesIdle(Worker worker) {
        if (closed || idle.size() == MOST_IDLE) {
            return false;
        }
        idle.push(worker);
        return true;
    }

    /**
     * Ends the idle threads; the others end with their session. No session may start afterwards.
     */
    void close(Duration most) throws InterruptedException {
        List<Worker> waiting;
        synchronized (this) {
            closed = true;
            waiting = List.copyOf(idle);
        }
        for (Worker worker : waiting) {
            LockSupport.unpark(worker.thread);
        }
        for (Worker worker : waiting) {
            worker.thread.join(most);
        }
    }
}
