package hookqueue.delivery;

import hookqueue.delivery.DeliveryGroup.Kind;
import hookqueue.queue.Entry;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The groups that are tried one at a time: paths that failed before, and parts of refused batches.
 * Pure; a part of {@link DeliveryPolicy}, which has the rules.
 */
final class Diagnosis {
    private final Deque<DeliveryGroup> todo = new ArrayDeque<>();

    boolean isEmpty() {
        return todo.isEmpty();
    }

    int paths() {
        return todo.stream().mapToInt(group -> group.members().size()).sum();
    }

    boolean hasFresh() {
        return todo.stream().anyMatch(DeliveryGroup::hasFresh);
    }

    Stream<DeliveryGroup> groups() {
        return todo.stream();
    }

    void add(DeliveryGroup group) {
        todo.add(group);
    }

    /** Adds paths that go together. */
    void add(List<Entry> members) {
        add(DeliveryGroup.waiting(Kind.DIAGNOSIS, members));
    }

    /** Adds paths that failed before: those that were never blamed together, the others alone. */
    void addDeferred(List<Entry> deferred) {
        List<Entry> neverBlamed = deferred.stream().filter(e -> e.failures() == 0).toList();
        if (!neverBlamed.isEmpty()) {
            add(neverBlamed);
        }
        deferred.stream()
                .filter(entry -> entry.failures() > 0)
                .forEach(entry -> add(List.of(entry)));
    }

    /** The group is tried again before all others. */
    void again(DeliveryGroup group) {
        todo.addFirst(group.as(0));
    }

    /** Replaces a refused group by its halves, or by the whole until the destination works. */
    void split(DeliveryGroup refused, boolean works) {
        List<Entry> members = refused.members();
        int half = works ? members.size() / 2 : 0;
        todo.addFirst(DeliveryGroup.partOf(members.subList(half, members.size())));
        if (half > 0) {
            todo.addFirst(DeliveryGroup.partOf(members.subList(0, half)));
        }
    }

    /** The next group, if any; of a refused batch one path until the destination works. */
    @Nullable DeliveryGroup next(boolean works) {
        DeliveryGroup group = todo.peek();
        boolean single = group != null && group.part() && !works && group.members().size() > 1;
        return single ? group.of(group.members().subList(0, 1)) : group;
    }

    /** Removes {@link #next}. */
    void remove(DeliveryGroup next) {
        DeliveryGroup whole = todo.remove();
        if (whole.members().size() > next.members().size()) {
            todo.addFirst(whole.of(whole.members().subList(1, whole.members().size())));
        }
    }

    void clear() {
        todo.clear();
    }
}
