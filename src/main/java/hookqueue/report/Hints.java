package hookqueue.report;

import hookqueue.base.Sizes;
import hookqueue.delivery.Improvement;
import hookqueue.delivery.Lane;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneStore;
import hookqueue.queue.QueueTransaction;
import hookqueue.queue.Speed;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an operator could change in the settings to make deliveries faster. A hint appears only
 * while the remembered speed of a lane shows that the setting is what limits it.
 */
final class Hints {
    /** Begins the reason of a destination whose child process was ended by the stall timeout. */
    private static final String STALLED = "no progress for ";

    private Hints() {}

    static List<Overview.Problem> of(QueueTransaction transaction, List<Lane> lanes)
            throws SQLException {
        var hints = new ArrayList<Overview.Problem>();
        for (Lane lane : lanes) {
            if (lane.improvement() != Improvement.NONE) {
                LaneStore stored = transaction.lane(lane.name());
                Overview.Problem hint =
                        hint(lane.name(), lane.improvement(), stored.speed(), stored.breaker());
                if (hint != null) {
                    hints.add(hint);
                }
            }
        }
        return hints;
    }

    static Overview.@Nullable Problem hint(
            String lane, Improvement improvement, Speed speed, Breaker breaker) {
        if (improvement == Improvement.NO_MAX_CONNECTIONS && breaker.reason().startsWith(STALLED)) {
            return new Overview.Problem(
                    lane
                            + " stalls, perhaps because max-connections hangs Nix 2.8 and 2.26 over ssh",
                    "Remove it from NPBHQ_UPLOAD_TO; NPBHQ_PARALLEL has the same effect");
        }
        if (improvement == Improvement.ZSTD && speed.slowBytes()) {
            return new Overview.Problem(
                    "%s gets %s/s from each process, as fast as xz compresses (1.4 to 3 MB/s)"
                            .formatted(lane, Sizes.shown(speed.bytesPerSecond())),
                    "If the network is faster, add compression=zstd to its URL in NPBHQ_UPLOAD_TO");
        }
        if (improvement == Improvement.SSH_NG && speed.slowPaths()) {
            return new Overview.Problem(
                    "%s takes %s ms for a small path, because ssh:// waits for an answer to each"
                            .formatted(lane, speed.millisPerPath()),
                    "ssh-ng:// does not: use it in NPBHQ_UPLOAD_TO, if its nix-daemon trusts the key or the user");
        }
        return null;
    }
}
