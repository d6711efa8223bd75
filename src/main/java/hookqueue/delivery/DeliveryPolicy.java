package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The policy: what to hand to a destination next, and what its answer proves. One round deals with
 * the paths that were due when it began. Pure: no thread, no clock, no I/O; the same answers lead
 * to the same verdicts.
 *
 * <pre>
 *            batch ── delivered ──────────────► next batch … over
 *              │ refused
 *              ▼
 *        one at a time ── three fresh ones refused ──► DOWN: nobody is blamed, the lane waits and tries one path
 *              │ delivered: the destination works
 *              ▼
 *            halves ── refused ─► … ─► one path: a suspect
 *              │
 *              ▼
 *     delivered right after ──────────► the suspects are blamed: it took others before and after them
 *     (after three suspects, and when nothing is left to deliver, a path that it has taken is handed over again)
 * </pre>
 *
 * <p>A path is blamed only when the destination took another path before it failed and answered
 * well after. "Before" is: in this round, at the end of a round that ended just now, or (for a
 * deferred path) since its last failure. A failure that proves nothing only puts the path off
 * ({@code tries}); it does not count towards the limit.
 *
 * <p>Handing over again what is already there is a weak proof: a destination that is full may pass
 * it. So with no real delivery between them it gets no more than three paths blamed, and six fresh
 * suspects mean DOWN in spite of it.
 *
 * <p>Only fresh paths are a sign that the destination is down, or the refusal of one that it had
 * taken; and those refused when it was found down are put off, so that they are not fresh any more.
 * Thus bad paths cannot close a lane for good ones again and again. When the words of a refusal
 * name some of the paths, the others are tried together first.
 */
final class DeliveryPolicy {
    private static final int DOWN = 3;

    private final Backoff backoff;
    private final int maxAttempts;
    private final boolean trial;
    private final Deque<Group> todo = new ArrayDeque<>();

    /** Refused alone before anything showed that the destination works. */
    private final List<Failure> early = new ArrayList<>();

    /** Refused alone since then; blamed as soon as it takes something again. */
    private final List<Failure> suspects = new ArrayList<>();

    private final List<Failure> untried = new ArrayList<>();
    private int failuresInARow;
    private int deferredInARow;
    private int hintsInARow;

    /** Suspects since it last took a path that it did not have. */
    private int unconfirmed;

    private int freshUnconfirmed;
    private boolean worked;
    private @Nullable Group running;
    private @Nullable Entry witness;
    private @Nullable Entry taken;
    private @Nullable String down;

    /**
     * Paths to be handed over together.
     *
     * @param kind why they are run
     */
    private record Group(List<Entry> members, Kind kind) {
        static Group again(Entry entry) {
            return new Group(List.of(entry), Kind.AGAIN);
        }
    }

    private enum Kind {
        /** Run as it is, even while nothing shows that the destination works. */
        WHOLE,
        /**
         * Part of what was refused: one by one until something shows that the destination works.
         */
        PART,
        /** One path once more, now that the destination has answered. */
        AGAIN,
        /** A path that was already taken, to see whether the destination still works. */
        PROOF
    }

    private record Failure(Entry entry, String reason) {}

    /**
     * What a lane remembers from round to round, in memory only.
     *
     * @param failuresInARow fresh paths that were refused one by one since the last delivery
     * @param taken the last path that was delivered, null when none is known
     * @param justNow whether the round that has just ended delivered it
     */
    record Known(int failuresInARow, @Nullable Entry taken, boolean justNow) {
        /** A lane that has just started. */
        static final Known NOTHING = new Known(0, null, false);

        /** The same after some time without a round. */
        Known aged() {
            return new Known(failuresInARow, taken, false);
        }
    }

    private DeliveryPolicy(Known known, int maxAttempts, Backoff backoff, boolean trial) {
        this.failuresInARow = known.failuresInARow();
        this.taken = known.taken();
        this.witness = known.justNow() ? known.taken() : null;
        this.maxAttempts = maxAttempts;
        this.backoff = backoff;
        this.trial = trial;
    }

    /**
     * A round over what is due.
     *
     * @param fresh never failed on their own: go as one batch
     * @param deferred failed before: those that were never blamed go as one batch, the others one
     *     by one
     * @param known what the lane's last round left
     * @param maxAttempts blamed so often, a path is failed
     */
    static DeliveryPolicy of(
            List<Entry> fresh,
            List<Entry> deferred,
            Known known,
            int maxAttempts,
            Backoff backoff) {
        var round = new DeliveryPolicy(known, maxAttempts, backoff, false);
        round.add(fresh);
        round.add(deferred.stream().filter(entry -> entry.attempts() == 0).toList());
        deferred.stream()
                .filter(entry -> entry.attempts() > 0)
                .forEach(entry -> round.add(List.of(entry)));
        return round;
    }

    /** One path, to see whether a destination that was down works again. */
    static DeliveryPolicy trial(Entry entry, Known known, int maxAttempts, Backoff backoff) {
        var round = new DeliveryPolicy(known.aged(), maxAttempts, backoff, true);
        round.add(List.of(entry));
        return round;
    }

    private void add(List<Entry> members) {
        if (!members.isEmpty()) {
            todo.add(new Group(members, Kind.WHOLE));
        }
    }

    /** The paths to hand over next; empty when the round is over. */
    List<Entry> next() {
        if (down != null) {
            return List.of();
        }
        Group group = todo.poll();
        if (group == null) {
            boolean open =
                    !suspects.isEmpty() || early.stream().anyMatch(DeliveryPolicy::overtaken);
            group = open ? proof() : null;
        } else if (!worked && group.kind() == Kind.PART && group.members().size() > 1) {
            List<Entry> members = group.members();
            todo.addFirst(new Group(members.subList(1, members.size()), Kind.PART));
            group = new Group(members.subList(0, 1), Kind.PART);
        }
        running = group;
        return group == null ? List.of() : group.members();
    }

    /**
     * Why the destination is taken to be down; null while it is not. No path of this round is
     * blamed for it.
     */
    @Nullable String down() {
        return down;
    }

    /**
     * Whether {@link #next()} is a path that was already taken, to see whether that still works.
     */
    boolean proving() {
        return running != null && running.kind() == Kind.PROOF;
    }

    /** Whether {@link #next()} is to show that the destination works. */
    boolean testing() {
        return trial || proving();
    }

    /** Whether all that is left to hand over has failed before. */
    boolean onlyDeferredLeft() {
        return !todo.isEmpty() && todo.stream().noneMatch(DeliveryPolicy::hasFresh);
    }

    /** Hands over nothing more but what proves something: what is left stays as it was, and due. */
    void leaveRest() {
        todo.clear();
    }

    /** What the next round is told. */
    Known known() {
        return new Known(down == null ? failuresInARow : 0, taken, worked && down == null);
    }

    /** Whether the destination took a path in this round that it did not have. */
    boolean worked() {
        return worked;
    }

    /**
     * Takes in what came of {@link #next()}.
     *
     * @param now milliseconds since the epoch
     * @return what is certain now, to be recorded
     */
    List<Verdict> learn(DeliveryOutcome outcome, long now) {
        Group group = running;
        if (group == null) {
            throw new IllegalStateException("learn without next");
        }
        running = null;
        return switch (outcome) {
            case DeliveryOutcome.Delivered delivered -> delivered(group, now);
            case DeliveryOutcome.Refused r ->
                    group.members().size() == 1
                            ? refusedAlone(group, r.reason(), now)
                            : refusedTogether(group, r.named());
            case DeliveryOutcome.Busy busy -> {
                down = busy.reason();
                yield List.of();
            }
            case DeliveryOutcome.Unavailable u ->
                    group.members().size() == 1
                            ? unavailableAlone(group, u.reason(), now)
                            : refusedTogether(group, Set.of());
            case DeliveryOutcome.Unreachable unreachable -> {
                down = unreachable.reason();
                yield List.of();
            }
            case DeliveryOutcome.Invalid invalid -> invalid(group, invalid);
            case DeliveryOutcome.Unusable unusable -> {
                down = unusable.reason();
                yield List.of();
            }
            case DeliveryOutcome.Cancelled cancelled -> {
                down = "cancelled";
                yield List.of();
            }
        };
    }

    private List<Verdict> delivered(Group group, long now) {
        var verdicts = new ArrayList<Verdict>();
        boolean weak = group.kind() == Kind.PROOF && unconfirmed > DOWN;
        for (Failure suspect : suspects) {
            verdicts.add(weak ? putOff(suspect, now) : blame(suspect, now));
        }
        suspects.clear();
        deferredInARow = 0;
        hintsInARow = 0;
        if (group.kind() == Kind.PROOF) {
            // only what fails again now that it has answered can be blamed: it may just have come
            // back
            early.stream()
                    .filter(DeliveryPolicy::overtaken)
                    .forEach(failure -> todo.addLast(Group.again(failure.entry())));
            early.removeIf(DeliveryPolicy::overtaken);
            return verdicts;
        }
        group.members().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
        worked = true;
        failuresInARow = 0;
        unconfirmed = 0;
        freshUnconfirmed = 0;
        witness = group.members().getFirst();
        taken = witness;
        // what failed before anything showed that the destination works gets another chance
        early.forEach(failure -> todo.addLast(Group.again(failure.entry())));
        early.clear();
        return verdicts;
    }

    private List<Verdict> refusedTogether(Group group, Set<StorePath> named) {
        List<Entry> members = group.members();
        List<Entry> suspicious =
                members.stream().filter(entry -> named.contains(entry.path())).toList();
        // a destination that is down may name whatever path it was at: a hint is believed thrice
        if (!suspicious.isEmpty() && suspicious.size() < members.size() && hintsInARow < DOWN) {
            hintsInARow++;
            suspicious.forEach(entry -> todo.addLast(new Group(List.of(entry), Kind.WHOLE)));
            todo.addFirst(
                    new Group(
                            members.stream()
                                    .filter(entry -> !named.contains(entry.path()))
                                    .toList(),
                            Kind.WHOLE));
        } else if (!worked) {
            todo.addFirst(new Group(members, Kind.PART));
        } else {
            int half = members.size() / 2;
            todo.addFirst(new Group(members.subList(half, members.size()), Kind.PART));
            todo.addFirst(new Group(members.subList(0, half), Kind.PART));
        }
        return List.of();
    }

    private List<Verdict> refusedAlone(Group group, String reason, long now) {
        Entry entry = group.members().getFirst();
        if (trial) {
            down = reason;
            return List.of(putOff(new Failure(entry, reason), now));
        }
        if (group.kind() == Kind.PROOF) {
            down = reason; // it has taken this very path: whatever failed since proves nothing
        } else if (witness != null || group.kind() == Kind.AGAIN) {
            suspects.add(new Failure(entry, reason));
            unconfirmed++;
            freshUnconfirmed += entry.fresh() ? 1 : 0;
            Group proof = suspects.size() >= DOWN ? proof() : null;
            if (freshUnconfirmed >= 2 * DOWN) {
                down = reason;
            } else if (proof != null) {
                todo.addFirst(proof);
            }
        } else {
            early.add(new Failure(entry, reason));
            refusedEarly(entry, reason);
        }
        return List.of();
    }

    /** Defers a path without blame; three fresh ones in a row mean that the destination is down. */
    private List<Verdict> unavailableAlone(Group group, String reason, long now) {
        if (group.kind() == Kind.PROOF) {
            down = reason;
            return List.of();
        }
        Entry entry = group.members().getFirst();
        if (trial) {
            down = reason;
        } else {
            refusedEarly(entry, reason);
        }
        return List.of(putOff(new Failure(entry, reason), now));
    }

    private void refusedEarly(Entry entry, String reason) {
        if (entry.fresh()) {
            failuresInARow++;
        } else {
            deferredInARow++;
        }
        if (failuresInARow >= DOWN) {
            down = reason;
        } else if (deferredInARow >= DOWN && todo.stream().noneMatch(DeliveryPolicy::hasFresh)) {
            deferredInARow = 0;
            Group proof = proof();
            if (proof != null) {
                todo.addFirst(proof);
                return;
            }
            // bad paths and a dead destination look the same now: no more of it for the moment
            todo.forEach(rest ->
                    rest.members().forEach(member -> untried.add(new Failure(member, reason))));
            todo.clear();
        }
    }

    private static boolean hasFresh(Group group) {
        return group.members().stream().anyMatch(Entry::fresh);
    }

    private static boolean overtaken(Failure failure) {
        return failure.entry().overtaken();
    }

    /** What was already taken, once more; null when nothing is known that was. */
    private @Nullable Group proof() {
        Entry known = witness == null ? taken : witness;
        return known == null ? null : new Group(List.of(known), Kind.PROOF);
    }

    /**
     * What is left to record when {@link #next()} is empty: paths whose failure proves nothing are
     * put off.
     *
     * @param now milliseconds since the epoch
     */
    List<Verdict> over(long now) {
        List<Verdict> verdicts =
                Stream.concat(
                                Stream.concat(early.stream(), suspects.stream())
                                        .map(failure -> putOff(failure, now)),
                                untried.stream().map(failure -> later(failure, now)))
                        .toList();
        early.clear();
        suspects.clear();
        untried.clear();
        return verdicts;
    }

    private List<Verdict> invalid(Group group, DeliveryOutcome.Invalid invalid) {
        if (group.kind() == Kind.PROOF) {
            // delivered, unrooted and collected since: it can prove nothing any more
            witness = null;
            taken = null;
            return List.of();
        }
        var verdicts = new ArrayList<Verdict>();
        var others = new ArrayList<Entry>();
        for (Entry entry : group.members()) {
            if (invalid.paths().contains(entry.path())) {
                verdicts.add(new Verdict.Failed(entry, entry.attempts(), invalid.reason()));
            } else {
                others.add(entry);
            }
        }
        if (verdicts.isEmpty()) {
            throw new IllegalArgumentException(
                    "invalid paths that were not asked for: " + invalid.paths());
        }
        if (!others.isEmpty()) {
            todo.addFirst(new Group(others, group.kind()));
        }
        return verdicts;
    }

    private Verdict blame(Failure failure, long now) {
        Entry entry = failure.entry();
        int attempts = entry.attempts() + 1;
        return attempts >= maxAttempts
                ? new Verdict.Failed(entry, attempts, failure.reason())
                : new Verdict.Deferred(
                        entry,
                        entry.tries(),
                        attempts,
                        now + backoff.millis(attempts + entry.tries()),
                        failure.reason());
    }

    private Verdict putOff(Failure failure, long now) {
        Entry entry = failure.entry();
        int tries = entry.tries() + 1;
        return new Verdict.Deferred(
                entry,
                tries,
                entry.attempts(),
                now + backoff.millis(tries + entry.attempts()),
                failure.reason());
    }

    /** Soon, so that it is its turn before those that were refused. */
    private Verdict later(Failure failure, long now) {
        Entry entry = failure.entry();
        return new Verdict.Deferred(
                entry,
                entry.tries(),
                entry.attempts(),
                now + backoff.millis(1),
                "not tried, because others were refused just before: " + failure.reason());
    }
}
