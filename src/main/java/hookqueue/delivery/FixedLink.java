package hookqueue.delivery;

/** A link that needs no preparation. A record, because the JVM cannot archive a lambda. */
public record FixedLink(boolean isNear) implements Link {
    /** A destination on this machine. */
    public static final Link LOCAL = new FixedLink(true);

    /** A destination of which nothing is known. */
    public static final Link FAR = new FixedLink(false);
}
