package hookqueue.queue;

import java.util.Map;

/**
 * What a lane has done since the database was begun.
 *
 * @param lane its name
 * @param runs how many child processes ended, by result; every result is there
 * @param durations how long they took
 * @param latencies how long it took from a path's being queued to its delivery
 */
public record LaneTotal(
        String lane,
        Map<BatchResult.Result, Long> runs,
        Histogram durations,
        Histogram latencies) {}
