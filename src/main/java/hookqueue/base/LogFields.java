package hookqueue.base;

/**
 * Keys of SLF4J's MDC that the journal gets as fields. A thread that a thread with a key starts has
 * the key, too: a lane's slots, and the readers of their children's output.
 */
public final class LogFields {
    /** The destination that a message concerns, as {@code status} names it, or {@code sign}. */
    public static final String DESTINATION = "DESTINATION";

    private LogFields() {}
}
