package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.List;

/**
 * Checks whether a destination still has paths and their closures, and sends again what is missing.
 * For one thread at a time.
 */
public interface DestinationCheck {
    /** What a check came to. */
    public sealed interface Answer {
        /**
         * Every path was asked for.
         *
         * @param sent how many paths were missing and are there now, dependencies included
         * @param names some of them
         * @param lost neither there nor in the local store
         * @param refused may be missing, and the destination did not take them
         * @param reason why not, empty when none was refused
         */
        record Checked(
                long sent,
                List<String> names,
                List<StorePath> lost,
                List<StorePath> refused,
                String reason)
                implements Answer {}

        /**
         * The destination cannot be asked now.
         *
         * @param reason the cause in one line
         */
        record Unknown(String reason) implements Answer {}
    }

    /** The destination's name. */
    String name();

    /** Most paths for one check. */
    int mostAtOnce();

    /**
     * Checks paths.
     *
     * @throws InterruptedException when the worker stops
     */
    Answer check(List<StorePath> paths) throws InterruptedException;
}
