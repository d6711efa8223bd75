package hookqueue.queue;

/**
 * The counters of one lane: its paths by {@link DeliveryRow.State}, and totals since it was
 * created.
 *
 * @param bytes sent, as Nix reported them
 * @param lastDelivery in milliseconds since the epoch, 0 for never
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
