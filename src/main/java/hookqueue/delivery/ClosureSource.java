package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.PathInfo;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Knows closures. It is a parameter of a lane, so a lane's tests need no Nix. */
@FunctionalInterface
public interface ClosureSource {
    /** For lanes that send no dependencies: any two paths can share a batch. */
    ClosureSource NONE = paths -> Optional.of(List.of());

    /**
     * One member of a closure.
     *
     * @param digest as {@link ClosureGraph#digest} computes it
     * @param references the digests of its references, without itself
     * @param bytes the size of its NAR
     */
    @SuppressWarnings("ArrayRecordComponent") // 8 bytes a reference: closures have 10,000 members
    record Member(long digest, long[] references, long bytes) {
        /** What Nix reports of a path. */
        static Member of(PathInfo info) {
            long[] references =
                    info.references().stream()
                            .filter(other -> !other.equals(info.path()))
                            .mapToLong(ClosureGraph::digest)
                            .toArray();
            return new Member(ClosureGraph.digest(info.path()), references, info.narSize());
        }
    }

    /**
     * The members of the closures of these paths, in bounded time and memory.
     *
     * @return empty if the query failed or the answer is too long; without paths that are no longer
     *     in the store
     */
    Optional<Collection<Member>> closures(List<StorePath> paths);
}
