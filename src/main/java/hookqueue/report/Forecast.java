package hookqueue.report;

import hookqueue.base.Durations;
import hookqueue.nix.Progress;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import java.time.Duration;
import java.util.Optional;

/**
 * Estimates the time left from the last few batches. Paths differ in size, and nobody knows what
 * will be queued next. The forecast is empty when no batch has run yet and when a lane does not
 * move. Deferred paths do not count, because they wait for a time and not for work; nor do paths
 * whose signature is deferred or has failed.
 */
final class Forecast {
    /** In milliseconds, about 30 years: sums of such times do not overflow. */
    private static final double LONGEST = 1e12;

    private static final long FEW_SECONDS = 10;

    private Forecast() {}

    /** The time until every lane has delivered the paths that are queued now. */
    static Optional<Duration> of(Overview o) {
        Optional<Duration> longest = Optional.empty();
        for (LaneCounts lane : o.lanes()) {
            if (lane.configured() && waiting(lane, o) > 0) {
                Optional<Duration> left = of(lane, o);
                if (left.isEmpty()) {
                    return left;
                }
                if (longest.isEmpty() || left.get().compareTo(longest.get()) > 0) {
                    longest = left;
                }
            }
        }
        return longest;
    }

    /** The time until one lane has delivered the paths that are queued now. */
    static Optional<Duration> of(LaneCounts lane, Overview o) {
        long waiting = waiting(lane, o);
        boolean moves = lane.configured() && o.pause().isEmpty() && !lane.breaker().open();
        if (!moves || waiting == 0) {
            return Optional.empty();
        }
        Running running = o.running().get(lane.name());
        if (running == null) {
            return lane.pace().timeFor(waiting);
        }
        long later = Math.max(0, waiting - running.paths());
        Duration spent = positive(Duration.between(running.since(), o.at()));
        double done = done(running.progress());
        if (done > 0) {
            Duration whole =
                    Duration.ofMillis(Math.round(Math.min(spent.toMillis() / done, LONGEST)));
            Duration others =
                    lane.pace()
                            .timeFor(later)
                            .orElseGet(() -> whole.multipliedBy(later).dividedBy(running.paths()));
            return Optional.of(whole.minus(spent).plus(others));
        }
        return lane.pace()
                .timeFor(later)
                .flatMap(rest ->
                        lane.pace()
                                .timeFor(running.paths())
                                .map(b -> rest.plus(positive(b.minus(spent)))));
    }

    private static long waiting(LaneCounts lane, Overview o) {
        long unsigned =
                o.lanes().stream()
                        .filter(each -> each.name().equals(LaneStore.SIGN))
                        .mapToLong(sign -> sign.deferred() + sign.failed())
                        .sum();
        return lane.fresh() + Math.max(0, lane.held() - unsigned);
    }

    /** The finished part of a batch, from 0 to 1; 0 also when it is unknown. */
    static double done(Progress.Snapshot progress) {
        if (progress.bytesExpected() > 0) {
            return Math.min(1, (double) progress.bytes() / progress.bytesExpected());
        }
        if (progress.pathsExpected() > 0) {
            return Math.min(1, (double) progress.paths() / progress.pathsExpected());
        }
        return 0;
    }

    /** For people, rounded: {@code a few seconds}, {@code about 4min}. */
    static String shown(Duration left) {
        long s = left.toSeconds();
        if (s < FEW_SECONDS) {
            return "a few seconds";
        }
        if (s < 60) {
            return "about " + (s + 4) / 5 * 5 + "s";
        }
        return "about " + Durations.shown(Duration.ofMinutes((s + 59) / 60));
    }

    static Duration positive(Duration d) {
        return d.isNegative() ? Duration.ZERO : d;
    }
}
