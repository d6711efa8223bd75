package hookqueue.report;

import hookqueue.base.Sizes;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The child processes of one lane, taken together: at least one, the oldest first. */
public record Running(List<Lane.Batch> batches) {
    int paths() {
        int paths = 0;
        for (Lane.Batch batch : batches) {
            paths += batch.paths();
        }
        return paths;
    }

    /** Since when the oldest of them runs. */
    Instant since() {
        return batches.getFirst().since();
    }

    Progress.Snapshot progress() {
        Progress.Snapshot sum = new Progress.Snapshot(0, 0, 0, 0);
        for (Lane.Batch batch : batches) {
            sum = sum.plus(batch.progress().snapshot());
        }
        return sum;
    }

    /** Bytes a second, each child's since it began. */
    String rate(Instant now) {
        long rate = 0;
        for (Lane.Batch batch : batches) {
            long millis = Math.max(1, Duration.between(batch.since(), now).toMillis());
            rate += batch.progress().snapshot().bytes() * 1_000 / millis;
        }
        return Sizes.shown(rate) + "/s";
    }
}
