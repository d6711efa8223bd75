package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Progress;
import java.util.List;

/** Sends paths to a destination. A parameter, so a lane's tests need no real destination. */
@FunctionalInterface
public interface Transport {
    /**
     * Blocks until the outcome for all paths is known.
     *
     * @return the outcome; {@link DeliveryOutcome.Cancelled} if the thread was interrupted
     */
    DeliveryOutcome carry(List<StorePath> paths, Progress progress);
}
