package hookqueue.report;

import hookqueue.base.Sizes;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * The child processes of one lane, taken together.
 *
 * @param batches what each of them carries, the oldest first; at least one
 */
public record Running(List<Lane.Batch> batches) {
    /** How many paths they carry. */
    int paths() {
        return batches.stream().mapToInt(Lane.Batch::paths).sum();
    }

    /** Since when the oldest of them runs. */
    Instant since() {
        return batches.getFirst().since();
    }

    /** How far they are. */
    Progress.Snapshot progress() {
        return batches.stream()
                .map(batch -> batch.progress().snapshot())
                .reduce(
                        new Progress.Snapshot(0, 0, 0, 0),
                        (a, b) ->
                                new Progress.Snapshot(
                                        a.bytes() + b.bytes(),
                                        a.bytesExpected() + b.bytesExpected(),
                                        a.paths() + b.paths(),
                                        a.pathsExpected() + b.pathsExpected()));
    }

    /** Bytes a second, each child's since it began. */
    String rate(Instant now) {
        long rate =
                batches.stream()
                        .mapToLong(batch ->
                                batch.progress().snapshot().bytes()
                                        * 1_000
                                        / Math.max(
                                                1, Duration.between(batch.since(), now).toMillis()))
                        .sum();
        return Sizes.shown(rate) + "/s";
    }
}
