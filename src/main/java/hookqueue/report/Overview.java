package hookqueue.report;

import hookqueue.delivery.Lane;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything there is to report, as of one moment.
 *
 * @param at the moment
 * @param lanes as the queue has them, those in force first
 * @param running what each lane runs now, by its name
 * @param oldest when the oldest unsettled path was queued
 * @param pausedSince since when no new batch starts
 * @param problems what an operator should look at, one text each
 */
public record Overview(
        Instant at,
        List<LaneCounts> lanes,
        Map<String, Lane.Batch> running,
        Optional<Instant> oldest,
        Optional<Instant> pausedSince,
        List<String> problems) {

    private record Stored(List<LaneCounts> lanes, Optional<Long> oldest, Optional<Long> paused) {}

    /** Looks at the queue and the lanes. */
    public static Overview of(Queue queue, List<Lane> lanes, InstantSource clock)
            throws QueueException, InterruptedException {
        Stored stored =
                queue.call(ledger ->
                        new Stored(ledger.lanes(), ledger.oldest(), ledger.pausedSince()));
        var running = new LinkedHashMap<String, Lane.Batch>();
        for (Lane lane : lanes) {
            Lane.@Nullable Batch batch = lane.running();
            if (batch != null) {
                running.put(lane.name(), batch);
            }
        }
        return new Overview(
                clock.instant(),
                stored.lanes(),
                running,
                stored.oldest().map(Instant::ofEpochMilli),
                stored.paused().map(Instant::ofEpochMilli),
                problems(queue));
    }

    private static List<String> problems(Queue queue) {
        var problems = new ArrayList<String>();
        for (String file : queue.damaged()) {
            problems.add(
                    "a damaged database was set aside as "
                            + file
                            + "; its unsettled paths were queued again from their roots. Look at it, then move it away");
        }
        String roots = queue.rootsProblem();
        if (roots != null) {
            problems.add(roots + "; queued paths are not protected from garbage collection");
        }
        return problems;
    }

    /** Paths that will still be tried, summed over the lanes in force. */
    public long outstanding() {
        return lanes.stream()
                .filter(LaneCounts::configured)
                .mapToLong(LaneCounts::outstanding)
                .sum();
    }

    /** Failed paths, summed over all lanes. */
    public long failed() {
        return lanes.stream().mapToLong(LaneCounts::failed).sum();
    }
}
