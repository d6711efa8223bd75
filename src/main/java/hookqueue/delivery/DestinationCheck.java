package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.List;

/**
 * Checks whether a destination still has paths and their closures, and sends missing paths again.
 * For one thread at a time.
 */
public interface DestinationCheck {
    /** The result of a check. */
    public sealed interface Answer {
        /**
         * The destination answered for every path.
         *
         * @param sent how many paths were missing and are there again, dependencies included
         * @param names some of them
         * @param lost paths that neither the destination nor the local store has
         * @param refused paths that may be missing, and that the destination did not take
         */
        record Checked(
                long sent,
                List<String> names,
                List<StorePath> lost,
                List<StorePath> refused,
                String reason)
                implements Answer {}

        /** The destination did not answer. */
        record Unknown(String reason) implements Answer {}
    }

    String name();

    /** Most paths for one check. */
    int mostAtOnce();

    /** Checks paths. The worker interrupts it when it stops. */
    Answer check(List<StorePath> paths) throws InterruptedException;
}
