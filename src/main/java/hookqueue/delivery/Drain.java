package hookqueue.delivery;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets the lanes finish before the worker restarts: no lane starts a child process any more, and
 * those that run continue to their end. The queue takes paths in all the time.
 */
public final class Drain {
    private final List<Lane> lanes;
    private final Runnable drained;
    private final AtomicInteger left;
    private final AtomicBoolean begun = new AtomicBoolean();

    /** Runs {@code drained} once, on the last lane's thread, when no child process runs. */
    public Drain(List<Lane> lanes, Runnable drained) {
        this.lanes = lanes;
        this.drained = drained;
        this.left = new AtomicInteger(lanes.size() + 1);
    }

    /** Begins; does nothing after the first time. */
    public void begin() {
        if (begun.compareAndSet(false, true)) {
            lanes.forEach(lane -> lane.drain(this::laneEnded));
            laneEnded(); // so that it also ends without lanes
        }
    }

    private void laneEnded() {
        if (left.decrementAndGet() == 0) {
            drained.run();
        }
    }

    public boolean hasBegun() {
        return begun.get();
    }

    /** How many child processes still run. */
    public int running() {
        return lanes.stream().mapToInt(lane -> lane.running().size()).sum();
    }
}
