package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the closures that the lane that signs has just queried, so that the lanes behind it
 * need not query them again: a query is a child process, and on a fast link it takes as long as the
 * copy of 30 paths.
 *
 * <p>Bounded: it forgets all when it has 10,000 members. A stale or missing answer only makes the
 * schedule worse. For any thread.
 */
public final class RecentClosures implements ClosureSource {
    private static final int MOST_MEMBERS = 10_000;

    private final ClosureSource source;

    /** Guarded by this. */
    private final Map<Long, Member> members = new HashMap<>();

    public RecentClosures(ClosureSource source) {
        this.source = source;
    }

    /** Remembers one member of a closure. A closure counts once all its members are remembered. */
    synchronized void remember(Member member) {
        if (members.size() >= MOST_MEMBERS) {
            members.clear();
        }
        members.put(member.digest(), member);
    }

    @Override
    public Optional<Collection<Member>> closures(List<StorePath> paths) {
        var found = new HashMap<Long, Member>();
        var unknown = new ArrayList<StorePath>();
        for (StorePath path : paths) {
            if (!collect(ClosureGraph.digest(path), found)) {
                unknown.add(path);
            }
        }
        if (unknown.isEmpty()) {
            return Optional.of(found.values());
        }
        return source.closures(unknown)
                .map(others -> {
                    others.forEach(member -> found.put(member.digest(), member));
                    return found.values();
                });
    }

    /** Adds a closure; false if a member is unknown. */
    private synchronized boolean collect(long root, Map<Long, Member> found) {
        var open = new ArrayDeque<Long>(List.of(root));
        var closure = new HashMap<Long, Member>();
        while (!open.isEmpty()) {
            long digest = open.removeLast();
            if (closure.containsKey(digest) || found.containsKey(digest)) {
                continue;
            }
            @Nullable Member member = members.get(digest);
            if (member == null) {
                return false;
            }
            closure.put(digest, member);
            for (long reference : member.references()) {
                open.addLast(reference);
            }
        }
        found.putAll(closure);
        return true;
    }
}
