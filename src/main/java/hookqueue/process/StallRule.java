package hookqueue.process;

import java.time.Duration;
import java.util.Map;

/**
 * Decides when a child has stalled: it showed no sign of life for the timeout. Pure.
 *
 * <p>Signs of life are, compared with the last sign: a line of output that says something new; a
 * TCP connection that began or ended, or whose queues differ by 512 bytes; and 256 KiB read or
 * written. A moving transfer changes its queues all the time, however slow it is. A server that
 * accepts a connection and never reads leaves them unchanged, full. The two limits are there
 * because ssh exchanges small messages with a live server while the program behind it hangs.
 */
final class StallRule {
    private static final long MOVE = 256 * 1024;
    private static final long QUEUE_MOVE = 512;

    /**
     * The activity of a child and its descendants at one moment.
     *
     * @param moved bytes read and written so far, without the bytes that the worker read from the
     *     child
     * @param sockets queues of the TCP connections, by inode
     */
    record Activity(long moved, Map<Long, SocketQueues> sockets) {
        static final Activity NONE = new Activity(0, Map.of());

        private boolean movedSince(Activity before) {
            return moved - before.moved >= MOVE
                    || !sockets.keySet().equals(before.sockets.keySet())
                    || sockets.entrySet().stream()
                            .anyMatch(each -> {
                                SocketQueues old = before.sockets.get(each.getKey());
                                return old == null || old.distance(each.getValue()) >= QUEUE_MOVE;
                            });
        }
    }

    private final long timeout;
    private long lastLife;
    private Activity reference = Activity.NONE;

    /** Starts with a sign of life, at a time by {@link System#nanoTime}. */
    StallRule(Duration timeout, long start) {
        this.timeout = timeout.toNanos();
        this.lastLife = start;
    }

    /**
     * Compares the activity with the last sign of life.
     *
     * @param heard when the child last said something new, by {@link System#nanoTime}
     * @param now likewise
     * @return whether it has stalled
     */
    boolean stalled(Activity activity, long heard, long now) {
        if (activity.movedSince(reference)) {
            lastLife = now;
            reference = activity;
        } else if (activity.moved() < reference.moved()) {
            // the bytes of a process that ended are not counted any more
            reference = new Activity(activity.moved(), reference.sockets());
        }
        if (heard - lastLife > 0) {
            lastLife = heard;
        }
        return now - lastLife >= timeout;
    }
}
