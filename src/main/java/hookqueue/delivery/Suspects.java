package hookqueue.delivery;

import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The paths that were refused alone, and the deliveries that prove something about them. Pure; a
 * part of {@link DeliveryPolicy}, which has the rules.
 */
final class Suspects {
    /** Proofs without a real delivery in between get at most this many paths blamed. */
    static final int MOST_BY_PROOF = 3;

    private final int maxAttempts;
    private final Backoff backoff;

    /** Refused alone before any delivery showed that the destination works. */
    private final List<Failure> inconclusive = new ArrayList<>();

    /** Refused alone after such a delivery. The next delivery that starts blames them. */
    private final List<Failure> suspects = new ArrayList<>();

    /** How many paths were refused alone since the last real delivery. */
    private int refused;

    /** Whether a real delivery came before, without a rest in between. */
    private boolean lately;

    private @Nullable Entry witness; // the last path that was delivered or passed a proof
    private @Nullable Entry taken; // the last delivered path

    /**
     * @param before the number of the next group at that time: only this group and later ones prove
     *     anything about the failure
     */
    private record Failure(Entry entry, String reason, long before) {}

    Suspects(int maxAttempts, Backoff backoff) {
        this.maxAttempts = maxAttempts;
        this.backoff = backoff;
    }

    /** Records that a path was refused alone. */
    void add(Entry entry, String reason, long nextNumber) {
        refused++;
        boolean between = witness != null && (lately || entry.overtaken());
        (between ? suspects : inconclusive).add(new Failure(entry, reason, nextNumber));
    }

    boolean isEmpty() {
        return suspects.isEmpty();
    }

    int size() {
        return suspects.size();
    }

    /** All entries that wait for a proof. */
    Stream<Entry> entries() {
        return Stream.concat(inconclusive.stream(), suspects.stream()).map(Failure::entry);
    }

    boolean hasWitness() {
        return witness != null;
    }

    /** Whether the destination took a path, and the lane did not rest since. */
    boolean destinationWorks() {
        return lately;
    }

    /** A delivered path that would prove something about the suspects; null without any. */
    @Nullable Entry proof() {
        Entry known = witness == null ? taken : witness;
        return suspects.isEmpty() ? null : known;
    }

    /** The last delivered path, if the lane has rested since; else null. */
    @Nullable Entry forgottenWitness() {
        return witness == null ? taken : null;
    }

    /** Takes in a delivery or a passed proof. Returns the verdicts on the suspects. */
    List<Verdict> delivered(DeliveryGroup group, long now) {
        var verdicts = new ArrayList<Verdict>();
        boolean proof = group.kind() == DeliveryGroup.Kind.PROOF;
        boolean weak = proof && refused > MOST_BY_PROOF; // a full destination passes proofs
        for (Iterator<Failure> all = suspects.iterator(); all.hasNext(); ) {
            Failure suspect = all.next();
            if (group.number() >= suspect.before()) {
                verdicts.add(weak ? putOff(suspect, now) : blame(suspect, now));
                all.remove();
            }
        }
        witness = group.members().getFirst();
        if (!proof) {
            taken = witness;
            lately = true;
        }
        return verdicts;
    }

    /** Removes and returns the paths that failed before any delivery. */
    List<Entry> takeInconclusive() {
        List<Entry> entries = inconclusive.stream().map(Failure::entry).toList();
        inconclusive.clear();
        return entries;
    }

    /** Defers all of them without blame. */
    List<Verdict> putOffAll(long now) {
        List<Verdict> verdicts =
                Stream.concat(inconclusive.stream(), suspects.stream())
                        .map(failure -> putOff(failure, now))
                        .toList();
        inconclusive.clear();
        suspects.clear();
        return verdicts;
    }

    void countAnew() {
        refused = 0;
    }

    /** Records that the lane was idle: earlier deliveries prove nothing any more. */
    void rest() {
        witness = null;
        lately = false;
    }

    /** Forgets the delivered path: it is gone from the local store. */
    void forgetDelivery() {
        witness = null;
        taken = null;
    }

    /** Drops all. The entries stay unchanged, and due. */
    void clear() {
        suspects.clear();
        inconclusive.clear();
        rest();
    }

    /** Defers a path without blame. */
    Verdict putOff(Entry entry, String reason, long now) {
        return putOff(new Failure(entry, reason, 0), now);
    }

    private Verdict blame(Failure failure, long now) {
        int failures = failure.entry().failures() + 1;
        return failures >= maxAttempts
                ? new Verdict.Failed(failure.entry(), failures, failure.reason())
                : deferred(failure, failure.entry().inconclusive(), failures, now);
    }

    private Verdict putOff(Failure failure, long now) {
        Entry entry = failure.entry();
        return deferred(failure, entry.inconclusive() + 1, entry.failures(), now);
    }

    private Verdict deferred(Failure failure, int inconclusive, int failures, long now) {
        long due = now + backoff.millis(inconclusive + failures);
        return new Verdict.Deferred(failure.entry(), inconclusive, failures, due, failure.reason());
    }
}
