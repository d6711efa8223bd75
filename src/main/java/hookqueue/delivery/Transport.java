package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Progress;
import java.util.List;

/**
 * Hands paths to one destination. A lane is given one, so that its tests need no real destination.
 */
@FunctionalInterface
public interface Transport {
    /**
     * Blocks until all are there or it is known that not.
     *
     * @param progress is told how far it is
     * @return what came of it; {@link DeliveryOutcome.Cancelled} when the thread was interrupted
     */
    DeliveryOutcome carry(List<StorePath> paths, Progress progress);
}
