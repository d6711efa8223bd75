package hookqueue.delivery;

import hookqueue.base.StorePath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The dependencies of queued paths, as far as a lane had to query them. Tracks which of them the
 * destination has, and which of them other slots send now.
 *
 * <p>A destination that has a path has the path's whole closure, so a walk ends at known members:
 * {@link #missing} visits only members that have to be sent.
 */
final class ClosureGraph {
    /** Beyond this number the graph forgets its members, and queries them again. */
    private static final int MOST_MEMBERS = 50_000;

    private final Map<Long, Node> nodes = new HashMap<>();
    private final KnownMembers known = new KnownMembers();
    private int walks;

    static final class Node {
        private static final Node[] NONE = {};

        final long digest;
        long bytes;
        Node[] references = NONE;

        /** Whether its references are known. They are, for every member of a queried closure. */
        boolean complete;

        /** How many slots send it now. */
        int senders;

        /** The next node on the way to the cluster's representative. */
        Node leader = this;

        /** Whether the destination is known to have it. */
        boolean there;

        private int seenIn;

        private Node(long digest, boolean there) {
            this.digest = digest;
            this.there = there;
        }

        /** The cluster's representative. */
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
     * A number for a store path: FNV-1a of its hash, above 0. A collision only makes the schedule
     * worse.
     */
    static long digest(StorePath path) {
        char[] baseName = path.baseName().toCharArray(); // no call for each character
        long digest = 0xcbf29ce484222325L;
        for (int i = 0; i < StorePath.HASH_LENGTH; i++) {
            digest = (digest ^ baseName[i]) * 0x100000001b3L;
        }
        return Math.max(1, digest & Long.MAX_VALUE);
    }

    /** Whether no closure was queried, as for a lane that sends no dependencies. */
    boolean isEmpty() {
        return nodes.isEmpty();
    }

    /** Adds closure members that Nix reported. */
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
        return nodes.computeIfAbsent(digest, d -> new Node(d, known.contains(d)));
    }

    /** The node of a path; null unless its closure was queried. */
    @Nullable Node find(StorePath path) {
        Node node = nodes.get(digest(path));
        return node == null || !node.complete ? null : node;
    }

    /** Records that the destination has these. */
    void delivered(Collection<Node> members) {
        for (Node node : members) {
            node.there = true;
            known.add(node.digest);
        }
    }

    /** Records whether the destination has a path, whose closure may be unknown. */
    void record(StorePath path, boolean there) {
        long digest = digest(path);
        if (there) {
            known.add(digest);
        } else {
            known.remove(digest);
        }
        Node node = nodes.get(digest);
        if (node != null) {
            node.there = there;
        }
    }

    /** Forgets which paths the destination has. */
    void doubtAll() {
        known.clear();
        nodes.values().forEach(node -> node.there = false);
    }

    /**
     * The members of these closures that the destination is not known to have, dependencies before
     * dependants. Without recursion: chains may be long.
     */
    List<Node> missing(Collection<Node> roots) {
        var found = new ArrayList<Node>();
        int walk = ++walks;
        var open = new ArrayDeque<Visit>();
        for (Node root : roots) {
            enter(root, walk, open);
            while (!open.isEmpty()) {
                Visit visit = open.getLast();
                if (visit.rest.hasNext()) {
                    enter(visit.rest.next(), walk, open);
                } else {
                    open.removeLast();
                    found.add(visit.node);
                }
            }
        }
        return found;
    }

    private static void enter(Node node, int walk, ArrayDeque<Visit> open) {
        if (!node.there && node.seenIn != walk) {
            node.seenIn = walk;
            open.addLast(new Visit(node, Arrays.asList(node.references).iterator()));
        }
    }

    private record Visit(Node node, Iterator<Node> rest) {}
}
