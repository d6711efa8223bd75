package hookqueue.report;

import hookqueue.delivery.Lane;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pause;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * A snapshot of everything that is reported.
 *
 * @param lanes from the queue, configured ones first
 * @param running the batch that each lane runs now, by the lane's name
 * @param oldest when the oldest unsettled path was queued
 */
public record Overview(
        Instant at,
        List<LaneCounts> lanes,
        Map<String, Running> running,
        Optional<Instant> oldest,
        Optional<Pause> pause,
        List<Problem> problems,
        List<Problem> hints,
        Optional<Restart> restart) {

    /** A restart that is due; it is coming if the worker restarts by itself. */
    public record Restart(String what, boolean coming) {}

    /** Something that an operator must fix, or could improve. */
    public record Problem(String what, String remedy) {
        /** Problem and remedy in one line. */
        public String text() {
            return what + ". " + remedy;
        }
    }

    private record Stored(
            List<LaneCounts> lanes,
            Optional<Long> oldest,
            Optional<Pause> pause,
            List<Problem> hints) {}

    /** What a snapshot is made from. */
    public record Source(Queue queue, List<Lane> lanes, RestartDue restart, InstantSource clock) {
        /** Reads the queue and the lanes. */
        public Overview look() throws QueueException, InterruptedException {
            Instant now = clock.instant();
            Stored stored =
                    queue.call(transaction ->
                            new Stored(
                                    transaction.reports().lanes(),
                                    transaction.reports().oldest(),
                                    transaction.meta().pause(now.toEpochMilli()),
                                    Hints.of(transaction, lanes)));
            var running = new LinkedHashMap<String, Running>();
            for (Lane lane : lanes) {
                List<Lane.Batch> batches = lane.running();
                if (!batches.isEmpty()) {
                    running.put(lane.name(), new Running(batches));
                }
            }
            return new Overview(
                    now,
                    stored.lanes(),
                    running,
                    stored.oldest().map(Instant::ofEpochMilli),
                    stored.pause(),
                    problems(queue, stored.lanes()),
                    stored.hints(),
                    restart.look());
        }
    }

    private static List<Problem> problems(Queue queue, List<LaneCounts> lanes) {
        var problems = new ArrayList<Problem>();
        for (LaneCounts lane : lanes) {
            if (lane.stranded() > 0) {
                String waiting = lane.stranded() == 1 ? " path waits" : " paths wait";
                problems.add(
                        new Problem(
                                "%s%s for %s, which is not in the settings any more"
                                        .formatted(lane.stranded(), waiting, lane.name()),
                                "The next destination that is added gets them. To forget them: nix-post-build-hook-queue drop 'destination=%s'"
                                        .formatted(lane.name())));
            }
        }
        for (String file : queue.damaged()) {
            problems.add(
                    new Problem(
                            "a damaged database was set aside as %s; its unsettled paths were queued again from their roots"
                                    .formatted(file),
                            "Look for the cause (disk, memory) in the kernel log, then move the file away: mv %s/%s* /var/tmp/"
                                    .formatted(queue.stateDir(), file)));
        }
        String roots = queue.rootsProblem();
        if (roots != null) {
            problems.add(
                    new Problem(
                            roots + "; queued paths are not protected from garbage collection",
                            "Create the folder, or fix its owner"));
        }
        return problems;
    }

    /** Paths that a lane will still try, summed over the configured lanes. */
    public long outstanding() {
        return sum(LaneCounts::outstanding);
    }

    /** Paths that wait for a retry, summed over the configured lanes. */
    long deferred() {
        return sum(LaneCounts::deferred);
    }

    /** Failed paths, summed over the configured lanes: those of the others cannot be retried. */
    public long failed() {
        return sum(LaneCounts::failed);
    }

    private long sum(ToLongFunction<LaneCounts> count) {
        return lanes.stream().filter(LaneCounts::configured).mapToLong(count).sum();
    }

    /** Deliveries to removed destinations. */
    public long stranded() {
        return lanes.stream().mapToLong(LaneCounts::stranded).sum();
    }
}
