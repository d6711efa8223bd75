package hookqueue.delivery;

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
 *     ┌─► one at a time ── refused thrice ────► DOWN: nobody is blamed, the lane waits and tries one path
 *     │        │ delivered: the destination works
 *     │        ▼
 *     │      halves ── refused ─► … ─► one path: a suspect
 *     │        │
 *     │        ▼
 *     └──── delivered right after ───────────► the suspects are blamed: it took others before and after them
 *            (when nothing is left to deliver, a path that it has just taken is handed over once more)
 * </pre>
 *
 * <p>A path is blamed only when the destination took another path in this round before it failed,
 * and took one after. A failure that proves nothing only puts the path off ({@code tries}); it does
 * not count towards the limit. A path that failed before never counts as a sign that the
 * destination is down, so bad paths cannot close a lane for good ones. When the words of a refusal
 * name some of the paths, the others are tried together first.
 */
final class Round {
    private static final int DOWN = 3;

    private final Backoff backoff;
    private final int maxAttempts;
    private final boolean trial;
    private final Deque<Group> todo = new ArrayDeque<>();
    private final List<Failure> early = new ArrayList<>();
    private final List<Failure> suspects = new ArrayList<>();
    private int failuresInARow;
    private boolean refused;
    private @Nullable Group running;
    private @Nullable Entry witness;
    private @Nullable String down;
    private boolean provedDown;

    /**
     * Paths to be handed over together.
     *
     * @param whole run it as it is, even while nothing shows that the destination works
     * @param proof it is a path that was already taken, run to see whether the destination still
     *     works
     */
    private record Group(List<Entry> members, boolean whole, boolean proof) {}

    private record Failure(Entry entry, String reason) {}

    private Round(int failuresBefore, int maxAttempts, Backoff backoff, boolean trial) {
        this.failuresInARow = failuresBefore;
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
     * @param failuresBefore fresh paths that were refused one by one since this lane's last success
     * @param maxAttempts blamed so often, a path is failed
     */
    static Round of(
            List<Entry> fresh,
            List<Entry> deferred,
            int failuresBefore,
            int maxAttempts,
            Backoff backoff) {
        var round = new Round(failuresBefore, maxAttempts, backoff, false);
        round.add(fresh);
        round.add(deferred.stream().filter(entry -> entry.attempts() == 0).toList());
        deferred.stream()
                .filter(entry -> entry.attempts() > 0)
                .forEach(entry -> round.add(List.of(entry)));
        return round;
    }

    /** One path, to see whether a destination that was down works again. */
    static Round trial(Entry entry, int maxAttempts, Backoff backoff) {
        var round = new Round(0, maxAttempts, backoff, true);
        round.add(List.of(entry));
        return round;
    }

    private void add(List<Entry> members) {
        if (!members.isEmpty()) {
            todo.add(new Group(members, true, false));
        }
    }

    /** The paths to hand over next; empty when the round is over. */
    List<Entry> next() {
        if (down != null) {
            return List.of();
        }
        Group group = todo.poll();
        if (group == null) {
            group = suspects.isEmpty() || witness == null ? null : proof(witness);
        } else if (refused && witness == null && !group.whole() && group.members().size() > 1) {
            List<Entry> members = group.members();
            todo.addFirst(new Group(members.subList(1, members.size()), false, false));
            group = new Group(members.subList(0, 1), false, false);
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

    /** Fresh paths refused one by one since the last success: what the next round is told. */
    int failuresInARow() {
        return failuresInARow;
    }

    /** Whether the destination took a path in this round. */
    boolean worked() {
        return witness != null;
    }

    /**
     * Takes in what came of {@link #next()}.
     *
     * @param now milliseconds since the epoch
     * @return what is certain now, to be recorded
     */
    List<Verdict> learn(Outcome outcome, long now) {
        Group group = running;
        if (group == null) {
            throw new IllegalStateException("learn without next");
        }
        running = null;
        return switch (outcome) {
            case Outcome.Delivered delivered -> delivered(group, now);
            case Outcome.Refused r ->
                    group.members().size() == 1
                            ? refusedAlone(group, r.reason(), now)
                            : refusedTogether(group, r.named());
            case Outcome.Invalid invalid -> invalid(group, invalid);
            case Outcome.Unusable unusable -> {
                down = unusable.reason();
                yield List.of();
            }
            case Outcome.Cancelled cancelled -> {
                down = "cancelled";
                yield List.of();
            }
        };
    }

    private List<Verdict> delivered(Group group, long now) {
        var verdicts = new ArrayList<Verdict>();
        failuresInARow = 0;
        suspects.forEach(suspect -> verdicts.add(blame(suspect, now)));
        suspects.clear();
        if (!group.proof()) {
            group.members().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
            witness = group.members().getFirst();
        }
        // what failed before anything showed that the destination works gets another chance
        early.forEach(failure -> todo.addLast(new Group(List.of(failure.entry()), true, false)));
        early.clear();
        return verdicts;
    }

    private List<Verdict> refusedTogether(Group group, Set<?> named) {
        refused = true;
        List<Entry> members = group.members();
        List<Entry> suspicious =
                members.stream().filter(entry -> named.contains(entry.path())).toList();
        if (!suspicious.isEmpty() && suspicious.size() < members.size()) {
            suspicious.forEach(entry -> todo.addLast(new Group(List.of(entry), true, false)));
            todo.addFirst(
                    new Group(
                            members.stream()
                                    .filter(entry -> !named.contains(entry.path()))
                                    .toList(),
                            true,
                            false));
        } else if (witness == null) {
            todo.addFirst(new Group(members, false, false));
        } else {
            int half = members.size() / 2;
            todo.addFirst(new Group(members.subList(half, members.size()), false, false));
            todo.addFirst(new Group(members.subList(0, half), false, false));
        }
        return List.of();
    }

    private List<Verdict> refusedAlone(Group group, String reason, long now) {
        refused = true;
        Entry entry = group.members().getFirst();
        if (trial) {
            down = reason;
            return List.of(putOff(new Failure(entry, reason), now));
        }
        if (group.proof()) {
            down = reason;
            provedDown = true; // it took this very path a moment ago; the suspects are put off, not
            // blamed
            return List.of();
        }
        if (witness != null) {
            suspects.add(new Failure(entry, reason));
            if (suspects.size() >= DOWN) {
                todo.addFirst(proof(witness));
            }
            return List.of();
        }
        early.add(new Failure(entry, reason));
        if (entry.fresh()) {
            failuresInARow++;
        }
        if (failuresInARow >= DOWN) {
            down = reason;
        } else if (early.size() >= DOWN && todo.stream().noneMatch(Round::hasFresh)) {
            // all of these failed before: leave them for another time, without taking the
            // destination to be down
            todo.forEach(rest ->
                    rest.members().forEach(member -> early.add(new Failure(member, reason))));
            todo.clear();
        }
        return List.of();
    }

    private static boolean hasFresh(Group group) {
        return group.members().stream().anyMatch(Entry::fresh);
    }

    /**
     * What is left to record when {@link #next()} is empty: paths whose failure proves nothing are
     * put off.
     *
     * @param now milliseconds since the epoch
     */
    List<Verdict> over(long now) {
        if (down != null && !provedDown) {
            return List.of();
        }
        List<Verdict> verdicts =
                Stream.concat(early.stream(), suspects.stream())
                        .map(failure -> putOff(failure, now))
                        .toList();
        early.clear();
        suspects.clear();
        return verdicts;
    }

    private List<Verdict> invalid(Group group, Outcome.Invalid invalid) {
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
            todo.addFirst(new Group(others, group.whole(), false));
        }
        return verdicts;
    }

    private static Group proof(Entry witness) {
        return new Group(List.of(witness), true, true);
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
}
