package hookqueue.delivery;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Shares a lane's time among its child processes: while several run, each gets an equal part of
 * every moment. So the parts of all children add up to the time in which the lane was busy, and a
 * forecast from them holds with any number of slots. Pure.
 */
final class LaneTime {
    private final Map<Long, Double> starts = new HashMap<>();

    /** What a child that ran from the beginning would have got by now, in nanoseconds. */
    private double each;

    private long last;

    /** Records the start of a child, by {@link System#nanoTime}. */
    void started(long number, long nanos) {
        advance(nanos);
        starts.put(number, each);
    }

    /** Records the end of a child. Returns its part of the lane's time. */
    Duration ended(long number, long nanos) {
        advance(nanos);
        Double start = starts.remove(number);
        return start == null ? Duration.ZERO : Duration.ofNanos(Math.round(each - start));
    }

    private void advance(long nanos) {
        if (!starts.isEmpty()) {
            each += (double) Math.max(0, nanos - last) / starts.size();
        }
        last = nanos;
    }
}
