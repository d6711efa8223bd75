package hookqueue.queue;

/**
 * The end of a child process, for the counters.
 *
 * @param delivered how many paths it delivered for the first time
 * @param bytes how many bytes it sent, as Nix reported them; 0 also if Nix does not
 * @param share how much of the lane's time in ms was its part, beside the lane's other children
 */
public record BatchResult(Result result, long millis, int delivered, long bytes, long share) {
    /** The result of a child process. The names are in the database: never change their meaning. */
    public enum Result {
        /** All its paths were delivered. */
        DELIVERED,
        /** The destination or the program refused the paths. */
        REFUSED,
        /** Some of its paths are not in the local store. */
        INVALID,
        /** It could not be run: no key, no program. */
        UNUSABLE
    }
}
