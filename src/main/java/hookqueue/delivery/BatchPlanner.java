package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Cuts due paths into batches for several slots, so that no byte is sent twice and small paths do
 * not wait for large ones. Pure, except for the {@link ClosureSource} that it queries.
 *
 * <pre>
 *   due paths ─► drop the paths whose missing closure another slot sends now
 *             ─► units:   paths that go together, see {@link BatchUnits}
 *             ─► a batch: units up to a share of the due paths and up to LARGE bytes, or one larger unit
 * </pre>
 *
 * <p>At most all slots but one send large batches. While the closures are unknown, one slot works
 * and takes plain batches.
 */
final class BatchPlanner {
    /** A batch that sends more bytes than this is large. */
    static final long LARGE = 16L << 20;

    private static final long ASK_AGAIN_MILLIS = 60_000;

    private final ClosureSource source;
    private final ClosureGraph graph = new ClosureGraph();
    private final BatchUnits units;
    private final int batchSize;
    private long blindUntil = Long.MIN_VALUE;

    /**
     * The work of one child process.
     *
     * @param members in the order in which the child gets them
     * @param missing the members of their closures that the destination is not known to have; null
     *     if the closures are unknown
     * @param bytes the size of the missing members
     */
    record Batch(List<Entry> members, @Nullable List<ClosureGraph.Node> missing, long bytes) {
        /** A batch that sends nothing: the destination has all its paths. */
        static Batch nothing(List<Entry> members) {
            return new Batch(members, List.of(), 0);
        }

        /** A batch whose closures are unknown. */
        static Batch unseen(List<Entry> members) {
            return new Batch(members, null, 0);
        }

        /** The members of the closures that it is known to send. */
        List<ClosureGraph.Node> sent() {
            return missing == null ? List.of() : missing;
        }

        boolean large() {
            return bytes > LARGE;
        }
    }

    /**
     * How due paths are shared among the slots: evenly among all of them. Batches that start
     * together are of one size, since the lane is done when the largest is.
     *
     * @param slots how many batches may be in flight at a time
     * @param startedNow how many paths started together with the batch that is cut
     * @param worthAChild fewest paths that get a child process of their own
     */
    record Cut(int slots, int startedNow, int worthAChild) {
        private int of(int due) {
            return Math.max(worthAChild, (due + startedNow + slots - 1) / slots);
        }
    }

    BatchPlanner(ClosureSource source, int batchSize) {
        this.source = source;
        this.batchSize = batchSize;
        this.units = new BatchUnits(graph, batchSize);
    }

    /**
     * Queries the closures of these paths, due or in flight, unless they are known.
     *
     * @return whether the closures of all paths that are still in the store are known
     */
    boolean look(Collection<StorePath> due, long now) {
        List<StorePath> unknown =
                due.stream().filter(path -> graph.find(path) == null).distinct().toList();
        if (unknown.isEmpty()) {
            return true;
        }
        if (now < blindUntil && blindUntil - now <= ASK_AGAIN_MILLIS) {
            return false;
        }
        var answer = source.closures(unknown);
        answer.ifPresent(graph::add);
        blindUntil = answer.isPresent() ? Long.MIN_VALUE : now + ASK_AGAIN_MILLIS;
        return answer.isPresent();
    }

    /** Whether the closures of all members are known. */
    boolean sees(List<Entry> members) {
        return members.stream().allMatch(entry -> graph.find(entry.path()) != null);
    }

    /** Takes the first paths, without their closures. */
    Batch plain(List<Entry> due) {
        return Batch.unseen(first(batchSize, due));
    }

    /** A batch of exactly these members; null while another slot sends something they need. */
    @Nullable Batch exactly(List<Entry> members) {
        Batch batch = sentBy(members);
        return batch.sent().stream().anyMatch(node -> node.senders > 0) ? null : batch;
    }

    private static List<Entry> first(int most, List<Entry> entries) {
        return List.copyOf(entries.subList(0, Math.min(most, entries.size())));
    }

    /** A batch of these members, regardless of other slots. */
    Batch sentBy(List<Entry> members) {
        List<ClosureGraph.Node> missing = graph.missing(units.nodes(members));
        return new Batch(members, missing, BatchUnits.bytes(missing));
    }

    /** A path of a batch in flight that sends something which this path needs, too. */
    Optional<StorePath> sender(StorePath path, Collection<Dispatcher.Flight> flights) {
        ClosureGraph.Node node = graph.find(path);
        if (node == null) {
            return Optional.empty();
        }
        var needed = new HashSet<>(graph.missing(List.of(node)));
        return flights.stream()
                .map(Dispatcher.Flight::batch)
                .filter(batch -> batch.sent().stream().anyMatch(needed::contains))
                .map(batch -> batch.members().getFirst().path())
                .findFirst();
    }

    /**
     * The next batch for a free slot, from due paths, the oldest first; null if every path waits
     * for a batch in flight.
     */
    @Nullable Batch next(List<Entry> due, Cut cut, boolean largeAllowed) {
        List<Entry> free = free(due);
        int share = Math.min(batchSize, cut.of(free.size()));
        if (graph.isEmpty() && !free.isEmpty()) {
            return Batch.nothing(first(share, free));
        }
        var members = new ArrayList<Entry>();
        var missing = new ArrayList<ClosureGraph.Node>();
        long bytes = 0;
        for (Batch unit : units.of(free, share)) {
            if (unit.large() && members.isEmpty() && largeAllowed) {
                return unit;
            }
            boolean fits =
                    bytes + unit.bytes() <= LARGE
                            && members.size() + unit.members().size() <= Math.max(share, 1);
            if (fits || (members.isEmpty() && !unit.large())) {
                members.addAll(unit.members());
                missing.addAll(unit.sent());
                bytes += unit.bytes();
            }
            if (members.size() >= share) {
                break;
            }
        }
        return members.isEmpty() ? null : new Batch(members, missing, bytes);
    }

    /** The entries that a batch sends as dependencies of its members. */
    List<Entry> within(Batch batch, List<Entry> entries) {
        if (batch.sent().isEmpty()) {
            return List.of();
        }
        var sent = new HashSet<Long>();
        batch.sent().forEach(node -> sent.add(node.digest));
        batch.members().forEach(entry -> sent.remove(ClosureGraph.digest(entry.path())));
        return entries.stream()
                .filter(entry -> sent.contains(ClosureGraph.digest(entry.path())))
                .toList();
    }

    void started(Batch batch) {
        batch.sent().forEach(node -> node.senders++);
    }

    /** Records that the batch has ended, and which paths the destination has now. */
    void ended(Batch batch, boolean delivered) {
        batch.sent().forEach(node -> node.senders--);
        if (delivered) {
            graph.delivered(batch.sent());
        }
        for (Entry entry : batch.members()) {
            graph.record(entry.path(), delivered);
        }
    }

    void doubtAll() {
        graph.doubtAll();
    }

    /** The entries that need nothing that another slot sends. */
    private List<Entry> free(List<Entry> due) {
        var waiting = new HashSet<ClosureGraph.Node>();
        for (ClosureGraph.Node node : graph.missing(units.nodes(due))) {
            if (node.senders > 0 || Arrays.stream(node.references).anyMatch(waiting::contains)) {
                waiting.add(node);
            }
        }
        return due.stream().filter(entry -> !waiting.contains(graph.find(entry.path()))).toList();
    }
}
