package hookqueue.delivery;

import hookqueue.delivery.DeliveryGroup.Kind;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
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
 *   <li>{@link Outage} has the rules for a destination that is down.
 * </ul>
 */
final class DeliveryPolicy {
    /** The fast path waits while the diagnosis has more paths than this. */
    static final int MOST_IN_DIAGNOSIS = 1_000;

    /** So many suspects are worth a proof. */
    private static final int WORTH_A_PROOF = 3;

    private final Suspects suspects;
    private final Diagnosis diagnosis = new Diagnosis();
    private final Outage outage = new Outage();
    private final Map<Long, DeliveryGroup> underWay = new HashMap<>();
    private long nextNumber = 1;

    DeliveryPolicy(int maxAttempts, Backoff backoff) {
        this.suspects = new Suspects(maxAttempts, backoff);
    }

    DeliveryGroup startBatch(List<Entry> members) {
        return start(DeliveryGroup.waiting(Kind.BATCH, members));
    }

    DeliveryGroup startTrial(Entry entry) {
        return start(DeliveryGroup.waiting(Kind.TRIAL, List.of(entry)));
    }

    /** Starts {@link #next()}. */
    DeliveryGroup startNext() {
        DeliveryGroup group = next();
        if (group == null) {
            throw new IllegalStateException("the diagnosis has nothing to hand over");
        }
        if (group.kind() != Kind.PROOF || group.equals(diagnosis.next(works()))) {
            diagnosis.remove(group);
        }
        return start(group);
    }

    private DeliveryGroup start(DeliveryGroup group) {
        DeliveryGroup started = group.as(nextNumber++);
        underWay.put(started.number(), started);
        return started;
    }

    /** How many batches of the fast path may be in flight. */
    int mostBatches() {
        if (outage.isDown() || diagnosis.paths() > MOST_IN_DIAGNOSIS) {
            return 0;
        }
        if (!outage.inTrouble()) {
            return Integer.MAX_VALUE;
        }
        return diagnosing() || diagnosis.hasFresh() || proof() != null ? 0 : 1;
    }

    int batchesUnderWay() {
        return (int) underWay.values().stream().filter(g -> g.kind() == Kind.BATCH).count();
    }

    /** Whether a group of the diagnosis, a proof or a trial is in flight. */
    boolean diagnosing() {
        return batchesUnderWay() < underWay.size();
    }

    /** Whether a batch is in flight whose delivery may end the trouble. */
    private boolean probing() {
        return underWay.values().stream()
                .anyMatch(g -> g.kind() == Kind.BATCH && outage.startedInTrouble(g));
    }

    long nextNumber() {
        return nextNumber;
    }

    /** Whether the diagnosis is idle, so that it can take paths that failed before. */
    boolean diagnosisIsIdle() {
        return !outage.isDown() && diagnosis.isEmpty() && suspects.isEmpty() && !diagnosing();
    }

    /** Gives the diagnosis paths that failed before. */
    void add(List<Entry> deferred) {
        Entry taken = suspects.forgottenWitness();
        if (taken != null && deferred.stream().anyMatch(Entry::overtaken)) {
            // the destination has it; it is sent before the groups that follow
            diagnosis.add(DeliveryGroup.waiting(Kind.PROOF, List.of(taken)));
        }
        diagnosis.addDeferred(deferred);
    }

    /** The next group of the diagnosis; null while one is in flight, and if there is none. */
    @Nullable DeliveryGroup next() {
        if (outage.isDown() || diagnosing() || probing()) {
            return null;
        }
        boolean prove = diagnosis.isEmpty() || suspects.size() >= WORTH_A_PROOF;
        DeliveryGroup proof = prove ? proof() : null;
        return proof == null ? diagnosis.next(works()) : proof;
    }

    /** Whether the destination took a path lately, and refused no batch since. */
    private boolean works() {
        return suspects.destinationWorks() && !outage.inTrouble();
    }

    private @Nullable DeliveryGroup proof() {
        Entry known = suspects.proof();
        return known == null ? null : DeliveryGroup.waiting(Kind.PROOF, List.of(known));
    }

    /** The entries in flight and in the diagnosis, whatever their state in the queue. */
    Stream<Entry> held() {
        Stream<Entry> grouped =
                Stream.concat(underWay.values().stream(), diagnosis.groups())
                        .filter(group -> group.kind() != Kind.PROOF) // its path waits for nothing
                        .flatMap(group -> group.members().stream());
        return Stream.concat(grouped, suspects.entries());
    }

    /** Whether the destination is down. The lane may know it from an earlier worker. */
    Outage outage() {
        return outage;
    }

    void rest() {
        suspects.rest();
    }

    /** Drops the diagnosis. Its entries stay unchanged, and due. */
    void abandon() {
        diagnosis.clear();
        suspects.clear();
    }

    /** Takes in an answer, at a time in milliseconds since the epoch. Returns the verdicts. */
    List<Verdict> learn(DeliveryGroup group, DeliveryOutcome outcome, long now) {
        if (underWay.remove(group.number()) == null) {
            throw new IllegalStateException(
                    "an answer for a group that is not under way: " + group);
        }
        var verdicts = new ArrayList<Verdict>();
        switch (outcome) {
            case DeliveryOutcome.Delivered d -> delivered(group, now, verdicts);
            case DeliveryOutcome.Refused _, DeliveryOutcome.Unavailable _ ->
                    refused(group, outcome, now, verdicts);
            case DeliveryOutcome.Busy b -> busy(group, b.reason());
            case DeliveryOutcome.Invalid invalid -> invalid(group, invalid, verdicts);
            case DeliveryOutcome.Unreachable _, DeliveryOutcome.Unusable _ -> {
                if (!outage.isDown()) {
                    outage.begin(outcome.reason());
                }
            }
            case DeliveryOutcome.Cancelled c -> {} // the worker stops
        }
        if (outage.isDown() && !(outcome instanceof DeliveryOutcome.Delivered)) {
            diagnosis.clear();
            suspects.rest();
            countAnew();
        }
        if (diagnosis.isEmpty() && !diagnosing() && (outage.isDown() || proof() == null)) {
            verdicts.addAll(suspects.putOffAll(now));
        }
        return verdicts;
    }

    private void delivered(DeliveryGroup group, long now, List<Verdict> verdicts) {
        verdicts.addAll(suspects.delivered(group, now));
        if (group.kind() == Kind.PROOF) {
            return;
        }
        group.members().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
        // paths that failed before any delivery showed that the destination works get another
        // chance
        suspects.takeInconclusive().forEach(entry -> diagnosis.add(List.of(entry)));
        countAnew();
    }

    /** Records a real delivery, or that the destination is down: counting begins again. */
    private void countAnew() {
        suspects.countAnew();
        outage.countAnew();
    }

    /** A batch that started before the destination was found down proves nothing by a refusal. */
    private boolean isLate(DeliveryGroup group) {
        return outage.isDown() && group.kind() == Kind.BATCH;
    }

    private void refused(
            DeliveryGroup group, DeliveryOutcome outcome, long now, List<Verdict> verdicts) {
        String reason = outcome.reason();
        // else the destination says that it is to blame, and not the path
        boolean maybeThePath = outcome instanceof DeliveryOutcome.Refused;
        Entry first = group.members().getFirst();
        boolean alone = group.members().size() == 1;
        if (isLate(group)) {
            return;
        }
        switch (group.kind()) {
            case TRIAL -> {
                outage.begin(reason);
                verdicts.add(suspects.putOff(first, reason, now));
            }
            case PROOF -> outage.begin(reason);
            case BATCH, DIAGNOSIS -> {
                boolean batch = group.kind() == Kind.BATCH;
                if (batch) {
                    outage.batchRefused(group, nextNumber);
                }
                if (alone && !maybeThePath) {
                    verdicts.add(suspects.putOff(first, reason, now));
                    outage.refusedAlone(first, false, reason);
                } else if (alone && (!batch || diagnosisIsIdle())) {
                    // of several paths that fail together, only the first is not tried again
                    suspects.add(first, reason, nextNumber);
                    outage.refusedAlone(first, suspects.hasWitness(), reason);
                } else if (batch) {
                    diagnosis.add(DeliveryGroup.partOf(group.members()));
                } else {
                    diagnosis.split(group, works());
                }
            }
        }
    }

    private void busy(DeliveryGroup group, String reason) {
        if (isLate(group)) {
            return;
        }
        outage.busy(group, nextNumber, reason);
        if (!outage.isDown() && group.kind() != Kind.BATCH) {
            diagnosis.again(group);
        }
    }

    private void invalid(
            DeliveryGroup group, DeliveryOutcome.Invalid invalid, List<Verdict> verdicts) {
        if (group.kind() == Kind.PROOF) {
            suspects.forgetDelivery(); // collected since: it can prove nothing any more
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
            diagnosis.again(group.of(others));
        }
    }
}
