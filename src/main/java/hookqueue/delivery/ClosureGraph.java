package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The dependencies of queued paths, as far as a lane had to ask for them; what the destination is
 * known to have, and what other slots send at this moment.
 *
 * <p>A destination that has a path has the path's whole closure, so a walk ends at known members:
 * {@link #missing} visits only what is to be sent.
 */
final class ClosureGraph {
    /** More members than this are forgotten, and asked for again. */
    private static final int MOST_MEMBERS = 50_000;

    private final Map<Long, Node> nodes = new HashMap<>();
    private final KnownMembers known = new KnownMembers();
    private int walks;

    /** One store path. */
    static final class Node {
        private static final Node[] NONE = {};

        final long digest;
        long bytes;
        Node[] references = NONE;

        /** Whether its references are known, which is so for every member of a queried closure. */
        boolean complete;

        /** Slots that send it now, and parts of the diagnosis that are next. */
        int senders;

        /** Towards the one that stands for its cluster, in the last walk that made clusters. */
        Node leader = this;

        private boolean there;
        private int seenIn;

        private Node(long digest) {
            this.digest = digest;
        }

        /** The one that stands for its cluster. */
        Node leader() {
            Node last = this;
            while (last.leader != last) {
                last.leader = last.leader.leader;
                last = last.leader;
            }
            return last;
        }
    }

    /**
     * A number for a store path: FNV-1a of its hash, above 0. Two paths with the same number would
     * only be scheduled badly.
     *
     * @param baseName {@code <hash>-<name>}
     */
    static long digest(String baseName) {
        long digest = 0xcbf29ce484222325L;
        for (int i = 0; i < StorePath.HASH_LENGTH; i++) {
            digest = (digest ^ baseName.charAt(i)) * 0x100000001b3L;
        }
        return Math.max(1, digest & Long.MAX_VALUE);
    }

    /** Takes in what Nix says about members of closures. */
    void add(Collection<ClosureSource.Member> members) {
        if (nodes.size() + members.size() > MOST_MEMBERS) {
            nodes.values().removeIf(node -> node.senders == 0);
        }
        for (ClosureSource.Member member : members) {
            Node node = node(member.digest());
            node.bytes = member.bytes();
            node.references = new Node[member.references().length];
            for (int i = 0; i < node.references.length; i++) {
                node.references[i] = node(member.references()[i]);
            }
            node.complete = true;
        }
    }

    private Node node(long digest) {
        return nodes.computeIfAbsent(
                digest,
                d -> {
                    var node = new Node(d);
                    node.there = known.contains(d);
                    return node;
                });
    }

    /** The node of a path whose closure was asked for; else null. */
    @Nullable Node find(StorePath path) {
        Node node = nodes.get(digest(path.baseName()));
        return node == null || !node.complete ? null : node;
    }

    /** Whether the destination is known to have it. */
    boolean isThere(Node node) {
        return node.there;
    }

    /** Remembers that the destination has these. */
    void delivered(Collection<Node> members) {
        for (Node node : members) {
            node.there = true;
            known.add(node.digest);
        }
    }

    /** The same for a path whose closure was not asked for. */
    void delivered(StorePath path) {
        long digest = digest(path.baseName());
        known.add(digest);
        Node node = nodes.get(digest);
        if (node != null) {
            node.there = true;
        }
    }

    /** The destination may not have it after all. */
    void doubt(StorePath path) {
        long digest = digest(path.baseName());
        known.remove(digest);
        Node node = nodes.get(digest);
        if (node != null) {
            node.there = false;
        }
    }

    /** The destination may have nothing of what it had. */
    void doubtAll() {
        known.clear();
        nodes.values().forEach(node -> node.there = false);
    }

    /**
     * The members of these closures that the destination is not known to have, dependencies before
     * dependants.
     */
    List<Node> missing(Collection<Node> roots) {
        var found = new ArrayList<Node>();
        walk(roots, found::add);
        return found;
    }

    /**
     * Visits each missing member once, dependencies first; without recursion: chains may be long.
     */
    void walk(Collection<Node> roots, Consumer<Node> visitor) {
        int walk = ++walks;
        var open = new ArrayDeque<Visit>();
        for (Node root : roots) {
            enter(root, walk, open);
            while (!open.isEmpty()) {
                Visit visit = open.getLast();
                if (visit.next < visit.node.references.length) {
                    enter(visit.node.references[visit.next++], walk, open);
                } else {
                    open.removeLast();
                    visitor.accept(visit.node);
                }
            }
        }
    }

    private static void enter(Node node, int walk, ArrayDeque<Visit> open) {
        if (!node.there && node.seenIn != walk) {
            node.seenIn = walk;
            open.addLast(new Visit(node));
        }
    }

    private static final class Visit {
        final Node node;
        int next;

        Visit(Node node) {
            this.node = node;
        }
    }
}
