package hookqueue.protocol;

/**
 * Who is connected, from {@code SO_PEERCRED}.
 *
 * @param uid its user
 * @param pid its process, for the log
 */
public record Peer(long uid, long pid) {
    /**
     * In a user namespace, which the unit has, the kernel gives this for all that have no number
     * there.
     */
    private static final long NOBODY = 65_534;

    /** Whether it may change what others have queued: root and the worker's own user may. */
    public boolean mayOperate(long ownUid) {
        return uid == 0 || (uid == ownUid && uid != NOBODY);
    }
}
