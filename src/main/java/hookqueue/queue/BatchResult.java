package hookqueue.queue;

/**
 * A child process that has ended, as it is counted.
 *
 * @param result what came of it
 * @param millis how long it took
 * @param delivered how many paths arrived through it for the first time
 */
public record BatchResult(Result result, long millis, int delivered) {
    /** What came of it. The names are in the database: never to be given another meaning. */
    public enum Result {
        /** All its paths arrived. */
        DELIVERED,
        /** The other side, or the program, did not take them. */
        REFUSED,
        /** Some of its paths are not in the local store. */
        INVALID,
        /** It could not be run: no key, no program. */
        UNUSABLE
    }
}
