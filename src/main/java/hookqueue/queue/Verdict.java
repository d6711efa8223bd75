package hookqueue.queue;

/** A lane's finding about one of its entries, to be recorded. */
public sealed interface Verdict {
    /** The entry it is about. */
    Entry entry();

    /** The lane is done with it. */
    record Delivered(Entry entry) implements Verdict {}

    /**
     * It failed and will be retried.
     *
     * @param inconclusive the new number of failures that prove nothing
     * @param failures the new number of failures that count
     * @param dueAt not before, in milliseconds since the epoch
     */
    record Deferred(Entry entry, int inconclusive, int failures, long dueAt, String reason)
            implements Verdict {}

    /**
     * It is not retried without an operator.
     *
     * @param failures the number of failures that counted
     */
    record Failed(Entry entry, int failures, String reason) implements Verdict {}
}
