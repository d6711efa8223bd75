package hookqueue.delivery;

import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
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

    private final Backoff backoff;
    private final int maxAttempts;
    private final Map<Long, Group> underWay = new HashMap<>();
    private final Deque<Group> todo = new ArrayDeque<>();

    /** Refused alone before any delivery showed that the destination works. */
    private final List<Failure> inconclusive = new ArrayList<>();

    /**
     * Refused alone after such a delivery. The next delivery that starts from now on blames them.
     */
    private final List<Failure> suspects = new ArrayList<>();

    private long nextNumber = 1;
    private long busyCountsFrom;
    private int busyInARow;

    /** How many paths were refused alone since the last real delivery. */
    private int refused;

    private int freshRefused;

    /** Whether a batch of fresh paths was refused since the last real delivery. */
    private boolean trouble;

    /** Groups from this number on started in trouble. */
    private long troubleFrom;

    /** Whether a real delivery came before, without a rest in between. */
    private boolean lately;

    private @Nullable Entry witness; // the last path that was delivered or passed a proof
    private @Nullable Entry taken; // the last delivered path
    private @Nullable String down;

    /** Why a group is sent. */
    enum Kind {
        /** A batch of the fast path. */
        BATCH,
        /** Paths that failed before, or part of a refused batch. */
        DIAGNOSIS,
        /** A delivered path once more, to check whether the destination still works. */
        PROOF,
        /** One path, to check whether a destination that was down works again. */
        TRIAL
    }

    /**
     * Paths that are sent together.
     *
     * @param number groups that start later have higher ones
     * @param part of a refused batch: sent one by one until a delivery shows that the destination
     *     works
     */
    record Group(long number, Kind kind, List<Entry> members, boolean part) {
        private Group as(long other) {
            return new Group(other, kind, members, part);
        }

        private Group of(List<Entry> some) {
            return new Group(0, kind, some, part);
        }

        /** Whether a member has never failed alone. */
        boolean hasFresh() {
            return members.stream().anyMatch(Entry::fresh);
        }
    }

    /**
     * @param before the number of the next group at that time: only this group and later ones prove
     *     anything about the failure
     */
    private record Failure(Entry entry, String reason, long before) {}

    /**
     * @param maxAttempts a path that was blamed this often is failed
     */
    DeliveryPolicy(int maxAttempts, Backoff backoff) {
        this.maxAttempts = maxAttempts;
        this.backoff = backoff;
    }

    /** Starts a batch of the fast path. */
    Group startBatch(List<Entry> members) {
        return start(new Group(0, Kind.BATCH, members, false));
    }

    /** Starts a trial of a destination that is down. */
    Group startTrial(Entry entry) {
        return start(new Group(0, Kind.TRIAL, List.of(entry), false));
    }

    private Group start(Group group) {
        Group started = group.as(nextNumber++);
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
            return diagnosing() || todo.stream().anyMatch(Group::hasFresh) || proof() != null
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
        if (witness == null && taken != null && deferred.stream().anyMatch(Entry::overtaken)) {
            todo.add(new Group(0, Kind.PROOF, List.of(taken), false));
        }
        List<Entry> neverBlamed = deferred.stream().filter(e -> e.failures() == 0).toList();
        if (!neverBlamed.isEmpty()) {
            todo.add(new Group(0, Kind.DIAGNOSIS, neverBlamed, false));
        }
        deferred.stream()
                .filter(entry -> entry.failures() > 0)
                .forEach(entry -> todo.add(new Group(0, Kind.DIAGNOSIS, List.of(entry), false)));
    }

    /** The next group of the diagnosis; null while one is in flight, and if there is none. */
    @Nullable Group next() {
        if (down != null || diagnosing() || probing()) {
            return null;
        }
        Group proof = todo.isEmpty() || suspects.size() >= DOWN ? proof() : null;
        if (proof != null) {
            return proof;
        }
        Group group = todo.peek();
        boolean single = group != null && group.part() && !works() && group.members().size() > 1;
        return single ? group.of(group.members().subList(0, 1)) : group;
    }

    /** Starts {@link #next()}. */
    Group startNext() {
        Group group = next();
        if (group == null) {
            throw new IllegalStateException("the diagnosis has nothing to hand over");
        }
        if (group.kind() != Kind.PROOF || group.equals(todo.peek())) {
            Group whole = todo.remove();
            if (whole.members().size() > group.members().size()) {
                todo.addFirst(whole.of(whole.members().subList(1, whole.members().size())));
            }
        }
        return start(group);
    }

    /** Whether the destination took a path lately, and refused no batch since. */
    private boolean works() {
        return lately && !trouble;
    }

    private @Nullable Group proof() {
        Entry known = witness == null ? taken : witness;
        return known == null || suspects.isEmpty()
                ? null
                : new Group(0, Kind.PROOF, List.of(known), false);
    }

    /** The entries in flight and in the diagnosis, whatever their state in the queue. */
    Stream<Entry> held() {
        return Stream.concat(
                Stream.concat(underWay.values().stream(), todo.stream())
                        .filter(group -> group.kind() != Kind.PROOF)
                        .flatMap(group -> group.members().stream()),
                Stream.concat(inconclusive.stream(), suspects.stream()).map(Failure::entry));
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
        witness = null;
        lately = false;
    }

    /** Drops the diagnosis. Its entries stay unchanged, and due. */
    void abandon() {
        todo.clear();
        suspects.clear();
        inconclusive.clear();
        rest();
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
    List<Verdict> learn(Group group, DeliveryOutcome outcome, long now) {
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
            rest();
            trouble = false;
            refused = 0;
            freshRefused = 0;
            busyInARow = 0;
        }
        if (todo.isEmpty() && !diagnosing() && (down != null || proof() == null)) {
            Stream.concat(inconclusive.stream(), suspects.stream())
                    .map(failure -> putOff(failure, now))
                    .forEach(verdicts::add);
            inconclusive.clear();
            suspects.clear();
        }
        return verdicts;
    }

    private void delivered(Group group, long now, List<Verdict> verdicts) {
        boolean proof = group.kind() == Kind.PROOF;
        boolean weak = proof && refused > DOWN; // a full destination passes proofs
        for (Iterator<Failure> all = suspects.iterator(); all.hasNext(); ) {
            Failure suspect = all.next();
            if (group.number() >= suspect.before()) {
                verdicts.add(weak ? putOff(suspect, now) : blame(suspect, now));
                all.remove();
            }
        }
        witness = group.members().getFirst();
        if (!proof) {
            group.members().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
            // paths that failed before any delivery showed that the destination works get another
            // chance
            inconclusive.forEach(failure ->
                    todo.addLast(new Group(0, Kind.DIAGNOSIS, List.of(failure.entry()), false)));
            inconclusive.clear();
            taken = witness;
            lately = true;
            trouble = false;
            refused = 0;
            freshRefused = 0;
            busyInARow = 0;
        }
    }

    private void refused(Group group, String reason, long now, List<Verdict> verdicts) {
        boolean alone = group.members().size() == 1;
        switch (group.kind()) {
            case TRIAL -> {
                down = reason;
                verdicts.add(
                        putOff(new Failure(group.members().getFirst(), reason, nextNumber), now));
            }
            case PROOF -> down = reason;
            case BATCH -> {
                noteTrouble(group.hasFresh());
                // of several paths that fail together, only the first is not tried again
                if (alone && todo.isEmpty() && !diagnosing() && suspects.isEmpty()) {
                    refusedAlone(group.members().getFirst(), reason);
                } else {
                    todo.add(new Group(0, Kind.DIAGNOSIS, group.members(), true));
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

    private void split(Group group) {
        List<Entry> members = group.members();
        int half = works() ? members.size() / 2 : 0;
        todo.addFirst(new Group(0, Kind.DIAGNOSIS, members.subList(half, members.size()), true));
        if (half > 0) {
            todo.addFirst(new Group(0, Kind.DIAGNOSIS, members.subList(0, half), true));
        }
    }

    private void refusedAlone(Entry entry, String reason) {
        refused++;
        freshRefused += entry.fresh() ? 1 : 0;
        boolean between = witness != null && (lately || entry.overtaken());
        (between ? suspects : inconclusive).add(new Failure(entry, reason, nextNumber));
        if (freshRefused >= (witness == null ? DOWN : 2 * DOWN)) {
            down = reason;
        }
    }

    /** Blames the destination: it has no room for this path, but may have room for smaller ones. */
    private void unavailableAlone(Group group, String reason, long now, List<Verdict> verdicts) {
        Entry entry = group.members().getFirst();
        if (group.kind() == Kind.PROOF) {
            down = reason;
            return;
        }
        verdicts.add(putOff(new Failure(entry, reason, nextNumber), now));
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

    private void busy(Group group, String reason) {
        boolean counts = group.number() >= busyCountsFrom;
        busyCountsFrom = counts ? nextNumber : busyCountsFrom;
        busyInARow += counts ? 1 : 0;
        if (group.kind() == Kind.TRIAL || busyInARow >= DOWN_BUSY) {
            down = reason;
        } else if (group.kind() != Kind.BATCH) {
            todo.addFirst(group.as(0));
        }
    }

    private void invalid(Group group, DeliveryOutcome.Invalid invalid, List<Verdict> verdicts) {
        if (group.kind() == Kind.PROOF) {
            // delivered, unrooted and collected since: it can prove nothing any more
            witness = null;
            taken = null;
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

    private Verdict blame(Failure failure, long now) {
        Entry entry = failure.entry();
        int failures = entry.failures() + 1;
        return failures >= maxAttempts
                ? new Verdict.Failed(entry, failures, failure.reason())
                : new Verdict.Deferred(
                        entry,
                        entry.inconclusive(),
                        failures,
                        now + backoff.millis(failures + entry.inconclusive()),
                        failure.reason());
    }

    private Verdict putOff(Failure failure, long now) {
        Entry entry = failure.entry();
        int inconclusiveNow = entry.inconclusive() + 1;
        return new Verdict.Deferred(
                entry,
                inconclusiveNow,
                entry.failures(),
                now + backoff.millis(inconclusiveNow + entry.failures()),
                failure.reason());
    }
}
