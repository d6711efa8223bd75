package hookqueue.queue;

/**
 * One lane as the database has it.
 *
 * @param name {@code sign}, or the destination as it stands in the settings
 * @param configured whether it is in the settings in force
 * @param held paths that wait for the lane {@code sign}
 * @param fresh paths that are due and have not failed
 * @param deferred paths that wait for another try
 * @param failed paths that are not tried again
 * @param delivered paths delivered since the lane exists
 * @param bytes bytes sent since the lane exists, as Nix reported them
 * @param lastDelivery when it last delivered, in milliseconds since the epoch, 0 for never
 * @param pace how fast it has been of late
 * @param breaker whether its destination is taken to be down
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
    /** Paths that this lane will still try by itself. */
    public long outstanding() {
        return fresh + deferred;
    }

    /** Paths that no lane will try, because this one is not in the settings any more. */
    public long stranded() {
        return configured ? 0 : held + fresh + deferred + failed;
    }
}
