package hookqueue.delivery;

import hookqueue.delivery.DeliveryGroup.Kind;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The policy: what an answer of a destination proves, and what to try next. Several groups of paths
 * may be in flight. Pure: no thread, no clock, no I/O; the same answers in the same order lead to
 * the same verdicts.
 *
 * <pre>
 *   fast path, several at a time:    batches that have never failed ─► delivered
 *                                              │ refused: proves nothing about its members
 *                                              ▼
 *   diagnosis, one group at a time:  one path after the other until a delivery, then halves
 *                                              │ refused alone            ▲
 *                                              ▼                          │ paths that failed before
 *                                    suspect ─► blamed by a delivery that started after it failed
 * </pre>
 *
 * <ul>
 *   <li>After a refusal the fast path starts no batch until a delivery. If the diagnosis ends
 *       without a delivery, the fast path may start one batch at a time. So an outage costs at most
 *       the children in flight, and one more.
 *   <li>A path that is refused alone is blamed only between two deliveries: one before it failed
 *       (or, for a path that failed before, since its last failure), and one that started after it
 *       failed. Otherwise the failure is inconclusive and only defers the path.
 *   <li>A proof sends a delivered path once more. The diagnosis asks for one after three suspects,
 *       and when it has nothing else to try. A full destination may pass a proof. So without a real
 *       delivery in between, proofs get at most three paths blamed.
 *   <li>A path for which the destination has no room is deferred without blame.
 *   <li>DOWN: no connection; a refused proof; three fresh paths refused alone with no delivery
 *       before them; six with only proofs in between; a destination that reports five times in a
 *       row that it is busy.
 * </ul>
 */
final class DeliveryPolicy {
    private static final int DOWN = 3;
    private static final int DOWN_BUSY = 5;

    /** The fast path waits while the diagnosis has more paths than this. */
    static final int MOST_IN_DIAGNOSIS = 1_000;

    private final Suspects suspects;
    private final Map<Long, DeliveryGroup> underWay = new HashMap<>();
    private final Deque<DeliveryGroup> todo = new ArrayDeque<>();

    private long nextNumber = 1;
    private long busyCountsFrom;
    private int busyInARow;

    private int freshRefused;

    /** Whether a batch of fresh paths was refused since the last real delivery. */
    private boolean trouble;

    /** Groups from this number on started in trouble. */
    private long troubleFrom;

    private @Nullable String down;

    /**
     * @param maxAttempts a path that was blamed this often is failed
     */
    DeliveryPolicy(int maxAttempts, Backoff backoff) {
        this.suspects = new Suspects(maxAttempts, backoff);
    }

    /** Starts a batch of the fast path. */
    DeliveryGroup startBatch(List<Entry> members) {
        return start(DeliveryGroup.waiting(Kind.BATCH, members));
    }

    /** Starts a trial of a destination that is down. */
    DeliveryGroup startTrial(Entry entry) {
        return start(DeliveryGroup.waiting(Kind.TRIAL, List.of(entry)));
    }

    private DeliveryGroup start(DeliveryGroup group) {
        DeliveryGroup started = group.as(nextNumber++);
        underWay.put(started.number(), started);
        return started;
    }

    /** How many batches of the fast path may be in flight. */
    int mostBatches() {
        if (down != null
                || todo.stream().mapToInt(g -> g.members().size()).sum() > MOST_IN_DIAGNOSIS) {
            return 0;
        }
        if (trouble) {
            return diagnosing()
                            || todo.stream().anyMatch(DeliveryGroup::hasFresh)
                            || proof() != null
                    ? 0
                    : 1;
        }
        return Integer.MAX_VALUE;
    }

    /** Whether a batch of fresh paths was refused, and nothing was delivered since. */
    boolean inTrouble() {
        return trouble;
    }

    /** How many groups are in flight. */
    int underWay() {
        return underWay.size();
    }

    /** How many batches of the fast path are in flight. */
    int batchesUnderWay() {
        return (int) underWay.values().stream().filter(g -> g.kind() == Kind.BATCH).count();
    }

    /** Whether a group of the diagnosis, a proof or a trial is in flight. */
    boolean diagnosing() {
        return batchesUnderWay() < underWay.size();
    }

    /** Whether a batch that started in trouble is in flight: its delivery may end the trouble. */
    private boolean probing() {
        return trouble
                && underWay.values().stream()
                        .anyMatch(g -> g.kind() == Kind.BATCH && g.number() >= troubleFrom);
    }

    /** The number of the group that starts next. */
    long nextNumber() {
        return nextNumber;
    }

    /** Whether the diagnosis is idle, so that it can take paths that failed before. */
    boolean diagnosisIsIdle() {
        return down == null && todo.isEmpty() && suspects.isEmpty() && !diagnosing();
    }

    /**
     * Gives the diagnosis paths that failed before. Paths that were never blamed go together, the
     * others one by one.
     */
    void add(List<Entry> deferred) {
        Entry taken = suspects.forgottenWitness();
        if (taken != null && deferred.stream().anyMatch(Entry::overtaken)) {
            todo.add(DeliveryGroup.waiting(Kind.PROOF, List.of(taken)));
        }
        List<Entry> neverBlamed = deferred.stream().filter(e -> e.failures() == 0).toList();
        if (!neverBlamed.isEmpty()) {
            todo.add(DeliveryGroup.waiting(Kind.DIAGNOSIS, neverBlamed));
        }
        deferred.stream()
                .filter(entry -> entry.failures() > 0)
                .forEach(entry -> todo.add(DeliveryGroup.waiting(Kind.DIAGNOSIS, List.of(entry))));
    }

    /** The next group of the diagnosis; null while one is in flight, and if there is none. */
    @Nullable DeliveryGroup next() {
        if (down != null || diagnosing() || probing()) {
            return null;
        }
        DeliveryGroup proof = todo.isEmpty() || suspects.size() >= DOWN ? proof() : null;
        if (proof != null) {
            return proof;
        }
        DeliveryGroup group = todo.peek();
        boolean single = group != null && group.part() && !works() && group.members().size() > 1;
        return single ? group.of(group.members().subList(0, 1)) : group;
    }

    /** Starts {@link #next()}. */
    DeliveryGroup startNext() {
        DeliveryGroup group = next();
        if (group == null) {
            throw new IllegalStateException("the diagnosis has nothing to hand over");
        }
        if (group.kind() != Kind.PROOF || group.equals(todo.peek())) {
            DeliveryGroup whole = todo.remove();
            if (whole.members().size() > group.members().size()) {
                todo.addFirst(whole.of(whole.members().subList(1, whole.members().size())));
            }
        }
        return start(group);
    }

    /** Whether the destination took a path lately, and refused no batch since. */
    private boolean works() {
        return suspects.destinationWorks() && !trouble;
    }

    private @Nullable DeliveryGroup proof() {
        Entry known = suspects.proof();
        return known == null ? null : DeliveryGroup.waiting(Kind.PROOF, List.of(known));
    }

    /** The entries in flight and in the diagnosis, whatever their state in the queue. */
    Stream<Entry> held() {
        return Stream.concat(
                Stream.concat(underWay.values().stream(), todo.stream())
                        .filter(group -> group.kind() != Kind.PROOF)
                        .flatMap(group -> group.members().stream()),
                suspects.entries());
    }

    /** Why the destination is considered down; null while it is not. */
    @Nullable String down() {
        return down;
    }

    /** Considers the destination down, because another worker or the lane found it down. */
    void assumeDown(String reason) {
        down = reason;
    }

    /** Considers the destination up. */
    void assumeUp() {
        down = null;
    }

    /** Records that the lane was idle: earlier deliveries prove nothing any more. */
    void rest() {
        suspects.rest();
    }

    /** Drops the diagnosis. Its entries stay unchanged, and due. */
    void abandon() {
        todo.clear();
        suspects.clear();
    }

    /** Whether fresh paths were refused since the last delivery. */
    boolean doubtful() {
        return freshRefused > 0;
    }

    /**
     * Takes in an answer.
     *
     * @param now milliseconds since the epoch
     * @return the verdicts to record
     */
    List<Verdict> learn(DeliveryGroup group, DeliveryOutcome outcome, long now) {
        if (underWay.remove(group.number()) == null) {
            throw new IllegalStateException(
                    "an answer for a group that is not under way: " + group);
        }
        boolean late = down != null && group.kind() == Kind.BATCH;
        var verdicts = new ArrayList<Verdict>();
        switch (outcome) {
            case DeliveryOutcome.Delivered d -> delivered(group, now, verdicts);
            case DeliveryOutcome.Refused r -> {
                if (!late) {
                    refused(group, r.reason(), now, verdicts);
                }
            }
            case DeliveryOutcome.Busy busy -> {
                if (!late) {
                    busy(group, busy.reason());
                }
            }
            case DeliveryOutcome.Unavailable u -> {
                if (!late && group.members().size() == 1) {
                    unavailableAlone(group, u.reason(), now, verdicts);
                } else if (!late) {
                    refused(group, u.reason(), now, verdicts);
                }
            }
            case DeliveryOutcome.Invalid invalid -> invalid(group, invalid, verdicts);
            case DeliveryOutcome.Unreachable u -> down = down == null ? u.reason() : down;
            case DeliveryOutcome.Unusable u -> down = down == null ? u.reason() : down;
            case DeliveryOutcome.Cancelled c -> {} // the worker stops
        }
        if (down != null && !(outcome instanceof DeliveryOutcome.Delivered)) {
            todo.clear();
            suspects.rest();
            suspects.acquit();
            trouble = false;
            freshRefused = 0;
            busyInARow = 0;
        }
        if (todo.isEmpty() && !diagnosing() && (down != null || proof() == null)) {
            verdicts.addAll(suspects.putOffAll(now));
        }
        return verdicts;
    }

    private void delivered(DeliveryGroup group, long now, List<Verdict> verdicts) {
        boolean proof = group.kind() == Kind.PROOF;
        verdicts.addAll(suspects.delivered(group, now));
        if (!proof) {
            group.members().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
            // paths that failed before any delivery showed that the destination works get another
            // chance
            suspects.takeInconclusive()
                    .forEach(entry ->
                            todo.addLast(DeliveryGroup.waiting(Kind.DIAGNOSIS, List.of(entry))));
            suspects.acquit();
            trouble = false;
            freshRefused = 0;
            busyInARow = 0;
        }
    }

    private void refused(DeliveryGroup group, String reason, long now, List<Verdict> verdicts) {
        boolean alone = group.members().size() == 1;
        switch (group.kind()) {
            case TRIAL -> {
                down = reason;
                verdicts.add(suspects.putOff(group.members().getFirst(), reason, now));
            }
            case PROOF -> down = reason;
            case BATCH -> {
                noteTrouble(group.hasFresh());
                // of several paths that fail together, only the first is not tried again
                if (alone && todo.isEmpty() && !diagnosing() && suspects.isEmpty()) {
                    refusedAlone(group.members().getFirst(), reason);
                } else {
                    todo.add(DeliveryGroup.partOf(group.members()));
                }
            }
            case DIAGNOSIS -> {
                if (alone) {
                    refusedAlone(group.members().getFirst(), reason);
                } else {
                    split(group);
                }
            }
        }
    }

    private void noteTrouble(boolean freshRefusedTogether) {
        if (freshRefusedTogether && !trouble) {
            trouble = true;
            troubleFrom = nextNumber;
        }
    }

    private void split(DeliveryGroup group) {
        List<Entry> members = group.members();
        int half = works() ? members.size() / 2 : 0;
        todo.addFirst(DeliveryGroup.partOf(members.subList(half, members.size())));
        if (half > 0) {
            todo.addFirst(DeliveryGroup.partOf(members.subList(0, half)));
        }
    }

    private void refusedAlone(Entry entry, String reason) {
        freshRefused += entry.fresh() ? 1 : 0;
        suspects.add(entry, reason, nextNumber);
        if (freshRefused >= (suspects.hasWitness() ? 2 * DOWN : DOWN)) {
            down = reason;
        }
    }

    /** Blames the destination: it has no room for this path, but may have room for smaller ones. */
    private void unavailableAlone(
            DeliveryGroup group, String reason, long now, List<Verdict> verdicts) {
        Entry entry = group.members().getFirst();
        if (group.kind() == Kind.PROOF) {
            down = reason;
            return;
        }
        verdicts.add(suspects.putOff(entry, reason, now));
        if (group.kind() == Kind.TRIAL) {
            down = reason;
            return;
        }
        noteTrouble(group.kind() == Kind.BATCH && entry.fresh());
        freshRefused += entry.fresh() ? 1 : 0;
        if (freshRefused >= DOWN) {
            down = reason;
        }
    }

    private void busy(DeliveryGroup group, String reason) {
        boolean counts = group.number() >= busyCountsFrom;
        busyCountsFrom = counts ? nextNumber : busyCountsFrom;
        busyInARow += counts ? 1 : 0;
        if (group.kind() == Kind.TRIAL || busyInARow >= DOWN_BUSY) {
            down = reason;
        } else if (group.kind() != Kind.BATCH) {
            todo.addFirst(group.as(0));
        }
    }

    private void invalid(
            DeliveryGroup group, DeliveryOutcome.Invalid invalid, List<Verdict> verdicts) {
        if (group.kind() == Kind.PROOF) {
            suspects.forgetDelivery(); // unrooted and collected since: it can prove nothing any
            // more
            return;
        }
        var others = new ArrayList<Entry>();
        for (Entry entry : group.members()) {
            if (invalid.paths().contains(entry.path())) {
                verdicts.add(new Verdict.Failed(entry, entry.failures(), invalid.reason()));
            } else {
                others.add(entry);
            }
        }
        if (verdicts.isEmpty()) {
            throw new IllegalArgumentException(
                    "invalid paths that were not asked for: " + invalid.paths());
        }
        if (!others.isEmpty() && group.kind() == Kind.DIAGNOSIS) {
            todo.addFirst(group.of(others));
        }
    }
}
