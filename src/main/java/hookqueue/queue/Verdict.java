package hookqueue.queue;

/** A lane's finding about one of its entries, to be recorded. */
public sealed interface Verdict {
    Entry entry();

    /** The lane is done with it. */
    record Delivered(Entry entry) implements Verdict {}

    /**
     * It failed and will be retried, not before {@code dueAt} in milliseconds since the epoch. Both
     * numbers of failures are the new ones.
     */
    record Deferred(Entry entry, int inconclusive, int failures, long dueAt, String reason)
            implements Verdict {}

    /** It is not retried without an operator. */
    record Failed(Entry entry, int failures, String reason) implements Verdict {}
}
