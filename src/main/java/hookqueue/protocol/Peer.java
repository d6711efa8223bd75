package hookqueue.protocol;

/**
 * The process at the other end of a connection, from {@code SO_PEERCRED}.
 *
 * @param pid for the log
 */
public record Peer(long uid, long pid) {
    /** The kernel's uid for every user without a mapping in the unit's user namespace. */
    private static final long NOBODY = 65_534;

    /** Whether it may change other users' paths: only root and the worker's own user may. */
    public boolean mayOperate(long ownUid) {
        return uid == 0 || (uid == ownUid && uid != NOBODY);
    }
}
