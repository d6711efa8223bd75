package hookqueue.queue;

/**
 * The counters of one lane.
 *
 * @param name {@code sign}, or the destination's name
 * @param held paths that wait for the lane {@code sign}
 * @param fresh paths that are due and have not failed
 * @param deferred paths that wait for a retry
 * @param failed paths that are not retried
 * @param delivered paths delivered since the lane was created
 * @param bytes bytes sent since the lane was created, as Nix reported them
 * @param lastDelivery when it last delivered, in milliseconds since the epoch, 0 for never
 */
public record LaneCounts(
        String name,
        boolean configured,
        long held,
        long fresh,
        long deferred,
        long failed,
        long delivered,
        long bytes,
        long lastDelivery,
        Pace pace,
        Breaker breaker) {
    /** Paths that this lane will still try without an operator. */
    public long outstanding() {
        return fresh + deferred;
    }

    /** Paths that no lane will try, because the settings no longer have this lane. */
    public long stranded() {
        return configured ? 0 : held + fresh + deferred + failed;
    }
}
