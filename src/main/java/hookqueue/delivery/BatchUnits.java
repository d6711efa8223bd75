package hookqueue.delivery;

import hookqueue.queue.Entry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * Cuts due paths into units, which share no member that has to be sent. Pure.
 *
 * <pre>
 *   clusters: paths that share missing members
 *   units:    a small cluster, or few paths on top    the whole cluster, dependencies first
 *             a large cluster, some members needed    those members alone, as clusters of their own
 *             a large cluster over one dependency     the smallest path alone: it brings the dependency
 * </pre>
 */
final class BatchUnits {
    /** A cluster with fewer paths on top is not worth splitting. */
    private static final int WORTH_SPLITTING = 4;

    private static final int SMALLEST_OF = 32;

    private final ClosureGraph graph;
    private final int batchSize;

    BatchUnits(ClosureGraph graph, int batchSize) {
        this.graph = graph;
        this.batchSize = batchSize;
    }

    /** The nodes of those entries whose closures are known. */
    List<ClosureGraph.Node> nodes(Collection<Entry> entries) {
        var nodes = new ArrayList<ClosureGraph.Node>(entries.size());
        for (Entry entry : entries) {
            ClosureGraph.Node node = graph.find(entry.path());
            if (node != null) {
                nodes.add(node);
            }
        }
        return nodes;
    }

    /** The units, ordered by their oldest paths. A cluster of at most a share is not split. */
    List<BatchPlanner.Batch> of(List<Entry> free, int share) {
        var units = new ArrayList<BatchPlanner.Batch>();
        var open = new ArrayDeque<List<Entry>>(clusters(free));
        while (!open.isEmpty()) {
            List<Entry> cluster = open.removeFirst();
            List<Entry> needed = cluster.size() <= share ? List.of() : neededByOthers(cluster);
            if (cluster.size() <= share || cluster.size() - needed.size() < WORTH_SPLITTING) {
                units.add(unit(cluster));
            } else if (needed.isEmpty()) {
                units.add(unit(List.of(smallest(cluster))));
            } else {
                clusters(needed).reversed().forEach(open::addFirst);
            }
        }
        return units;
    }

    /** Groups of paths that share no missing member, ordered by their oldest paths. */
    private List<List<Entry>> clusters(List<Entry> entries) {
        for (ClosureGraph.Node node : graph.missing(nodes(entries))) {
            node.leader = node;
            for (ClosureGraph.Node reference : node.references) {
                if (!reference.there) {
                    node.leader().leader = reference.leader();
                }
            }
        }
        var clusters = new LinkedHashMap<Object, List<Entry>>();
        for (Entry entry : entries) {
            ClosureGraph.Node node = graph.find(entry.path());
            Object key = node == null || node.there ? entry : node.leader();
            clusters.computeIfAbsent(key, k -> new ArrayList<>()).add(entry);
        }
        return List.copyOf(clusters.values());
    }

    /** The entries that are in the closure of another entry. */
    private List<Entry> neededByOthers(List<Entry> cluster) {
        List<ClosureGraph.Node> references =
                nodes(cluster).stream().flatMap(node -> Arrays.stream(node.references)).toList();
        var needed = new HashSet<>(graph.missing(references));
        return cluster.stream().filter(entry -> needed.contains(graph.find(entry.path()))).toList();
    }

    private Entry smallest(List<Entry> cluster) {
        return cluster.stream()
                .limit(SMALLEST_OF)
                .min(Comparator.comparingLong(entry -> bytes(graph.missing(nodes(List.of(entry))))))
                .orElseThrow();
    }

    /** As many entries of a cluster as one batch takes, dependencies first. */
    private BatchPlanner.Batch unit(List<Entry> cluster) {
        var byNode = new HashMap<ClosureGraph.Node, Entry>();
        var members = new ArrayList<Entry>();
        for (Entry entry : cluster) {
            ClosureGraph.Node node = graph.find(entry.path());
            if (node == null || node.there) {
                members.add(entry);
            } else {
                byNode.put(node, entry);
            }
        }
        var missing = new ArrayList<ClosureGraph.Node>();
        var pending = new ArrayList<ClosureGraph.Node>();
        long bytes = 0;
        for (ClosureGraph.Node node : graph.missing(nodes(cluster))) {
            pending.add(node);
            Entry entry = byNode.get(node);
            if (entry == null) {
                continue;
            }
            long more = bytes(pending);
            boolean large = bytes + more > BatchPlanner.LARGE;
            if (!members.isEmpty() && (large || members.size() >= batchSize)) {
                break;
            }
            members.add(entry);
            missing.addAll(pending);
            bytes += more;
            pending.clear();
        }
        return new BatchPlanner.Batch(members, missing, bytes);
    }

    static long bytes(List<ClosureGraph.Node> nodes) {
        return nodes.stream().mapToLong(node -> node.bytes).sum();
    }
}
