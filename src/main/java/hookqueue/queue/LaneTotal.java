package hookqueue.queue;

import java.util.Map;

/**
 * The totals of a lane since the database was created. The latencies are the times from queueing a
 * path to its delivery.
 */
public record LaneTotal(
        String lane,
        Map<BatchResult.Result, Long> runs,
        Histogram durations,
        Histogram latencies) {}
