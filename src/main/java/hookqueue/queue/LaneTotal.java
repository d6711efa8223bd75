package hookqueue.queue;

import java.util.Map;

/**
 * The totals of a lane since the database was created.
 *
 * @param runs how many child processes ended, for every result
 * @param latencies the time from queueing a path to its delivery
 */
public record LaneTotal(
        String lane,
        Map<BatchResult.Result, Long> runs,
        Histogram durations,
        Histogram latencies) {}
