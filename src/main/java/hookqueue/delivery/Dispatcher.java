package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides what the next free slot of a lane does, from the due entries, the groups in flight and
 * earlier answers. {@link DeliveryPolicy} decides what to try, {@link BatchPlanner} cuts it into
 * batches, {@link SlotLimit} limits how many run at a time. Pure, except for the {@link
 * ClosureSource} of the planner: a lane runs it on its thread, a simulation without any thread.
 */
final class Dispatcher {
    private final DeliveryPolicy policy;
    private final BatchPlanner planner;
    private final SlotLimit limit;
    private final IntSupplier worthAChild;
    private final Map<Long, Flight> flights = new LinkedHashMap<>();
    private boolean lastHadFresh;

    /** How many paths have started in this call of {@link #fill}. */
    private int startedNow;

    /**
     * The work of a lane at one moment.
     *
     * @param fresh paths that are due and have not failed; while the breaker is open: the paths
     *     that a trial may take, empty before its time
     * @param deferred paths that have failed, and are due again
     * @param later paths that have failed, due or not
     */
    record Work(
            boolean paused,
            Breaker breaker,
            List<Entry> fresh,
            List<Entry> deferred,
            List<Entry> later) {
        /** Nothing may start. */
        static Work none(boolean paused, Breaker breaker) {
            return new Work(paused, breaker, List.of(), List.of(), List.of());
        }
    }

    /**
     * A group in flight.
     *
     * @param batch how it was cut
     * @param covered other queued paths, signed already, in the closures that it sends
     */
    record Flight(DeliveryGroup group, BatchPlanner.Batch batch, List<Entry> covered) {}

    /**
     * The conclusions from an answer.
     *
     * @param down why the destination is down; null while it is up
     * @param worksAgain whether it took a path after it had been down or had refused fresh paths
     */
    record Learned(List<Verdict> verdicts, @Nullable String down, boolean worksAgain) {}

    /** Has the limits of {@link Lane.Limits}, of which {@code worthAChild} may change. */
    Dispatcher(
            int slots,
            int batchSize,
            IntSupplier worthAChild,
            int maxAttempts,
            ClosureSource closures,
            DoubleSupplier random) {
        this.policy = new DeliveryPolicy(maxAttempts, Backoff.standard(random));
        this.planner = new BatchPlanner(closures, batchSize);
        this.worthAChild = worthAChild;
        this.limit = new SlotLimit(slots, random);
    }

    /** Whether a free slot may find work, so that reading the queue is worth it. */
    boolean hasRoom(long now) {
        return flights.size() < limit.now() && busyFor(now) == 0;
    }

    /** Milliseconds until the retry after the destination reported that it was busy. */
    long busyFor(long now) {
        return limit.busyFor(now);
    }

    /** How many paths are in flight or in the diagnosis. The lane reads this many more entries. */
    int held() {
        return (int) policy.held().count();
    }

    boolean isIdle() {
        return flights.isEmpty();
    }

    /** Starts groups in the free slots: none if there is no work, or it has to wait. */
    List<Flight> fill(Work work, long now) {
        if (work.paused()) {
            policy.abandon();
            return List.of();
        }
        Set<Long> held = new HashSet<>();
        policy.held().forEach(entry -> held.add(entry.id()));
        List<Entry> fresh = without(work.fresh(), held);
        if (work.breaker().open()) {
            policy.outage().begin(work.breaker().reason());
            Flight trial = trial(fresh, now);
            return trial == null ? List.of() : List.of(trial);
        }
        policy.outage().end();
        List<Entry> deferred = without(work.deferred(), held);
        var started = new ArrayList<Flight>();
        startedNow = 0;
        if (hasRoom(now) && policy.diagnosisIsIdle()) {
            policy.add(deferred);
            deferred.forEach(entry -> held.add(entry.id()));
        }
        Flight flight = next(fresh, now);
        while (flight != null) {
            List<Entry> members = flight.group().members();
            startedNow += members.size();
            members.forEach(entry -> held.add(entry.id()));
            fresh = without(fresh, held);
            started.add(covering(flight, fresh, without(work.later(), held)));
            flight = next(fresh, now);
        }
        return started;
    }

    private @Nullable Flight next(List<Entry> fresh, long now) {
        if (!hasRoom(now)) {
            return null;
        }
        // if they cannot run side by side, deferred and fresh paths take turns
        boolean turns = limit.now() == 1 || policy.outage().inTrouble();
        boolean freshFirst = turns && !lastHadFresh && nextHasFailedBefore();
        Flight flight = freshFirst ? batch(fresh, now) : diagnosis(now);
        if (flight == null) {
            flight = freshFirst ? diagnosis(now) : batch(fresh, now);
        }
        return flight;
    }

    private Flight covering(Flight flight, List<Entry> fresh, List<Entry> later) {
        if (flight.group().kind() != DeliveryGroup.Kind.PROOF) {
            lastHadFresh = flight.group().hasFresh();
        }
        var others = new ArrayList<>(fresh);
        others.addAll(later);
        var covering =
                new Flight(flight.group(), flight.batch(), planner.within(flight.batch(), others));
        flights.put(flight.group().number(), covering);
        return covering;
    }

    private static List<Entry> without(List<Entry> entries, Set<Long> held) {
        return entries.stream().filter(entry -> !held.contains(entry.id())).toList();
    }

    private boolean nextHasFailedBefore() {
        DeliveryGroup group = policy.next();
        return group != null && group.kind() != DeliveryGroup.Kind.PROOF && !group.hasFresh();
    }

    private @Nullable Flight trial(List<Entry> candidates, long now) {
        if (candidates.isEmpty() || policy.diagnosing()) {
            return null;
        }
        BatchPlanner.Batch batch = cut(candidates.subList(0, 1), now);
        return batch == null ? null : fly(policy.startTrial(candidates.getFirst()), batch);
    }

    private @Nullable Flight diagnosis(long now) {
        DeliveryGroup group = policy.next();
        if (group == null) {
            return null;
        }
        if (group.kind() == DeliveryGroup.Kind.PROOF) {
            return fly(policy.startNext(), BatchPlanner.Batch.nothing(group.members()));
        }
        BatchPlanner.Batch batch = cut(group.members(), now);
        return batch == null || (batch.large() && !largeAllowed())
                ? null
                : fly(policy.startNext(), batch);
    }

    /** A batch of exactly these members; null while another slot sends something that they need. */
    private BatchPlanner.@Nullable Batch cut(List<Entry> members, long now) {
        boolean seen = flights.isEmpty() ? planner.sees(members) : look(members, now);
        return seen
                ? planner.exactly(members)
                : flights.isEmpty() ? BatchPlanner.Batch.unseen(members) : null;
    }

    private @Nullable Flight batch(List<Entry> fresh, long now) {
        if (fresh.isEmpty() || policy.batchesUnderWay() >= policy.mostBatches()) {
            return null;
        }
        var cut = new BatchPlanner.Cut(limit.now(), startedNow, worthAChild.getAsInt());
        BatchPlanner.Batch batch;
        if (flights.isEmpty() && fresh.size() == 1) {
            batch = planner.plain(fresh); // its closure is not needed yet
        } else if (look(fresh, now)) {
            batch = planner.next(fresh, cut, largeAllowed());
        } else {
            batch = flights.isEmpty() ? planner.plain(fresh) : null;
        }
        return batch == null ? null : fly(policy.startBatch(batch.members()), batch);
    }

    /** Whether the closures of these and of all paths in flight are known. */
    private boolean look(List<Entry> entries, long now) {
        var paths = new ArrayList<StorePath>();
        entries.forEach(entry -> paths.add(entry.path()));
        List<Flight> plain =
                flights.values().stream().filter(f -> f.batch().missing() == null).toList();
        plain.forEach(flight -> paths.addAll(flight.group().paths()));
        if (!planner.look(paths, now)) {
            return false;
        }
        for (Flight flight : plain) {
            BatchPlanner.Batch batch = planner.sentBy(flight.group().members());
            planner.started(batch);
            flights.put(
                    flight.group().number(), new Flight(flight.group(), batch, flight.covered()));
        }
        return true;
    }

    private boolean largeAllowed() {
        long large = flights.values().stream().filter(f -> f.batch().large()).count();
        return limit.now() == 1 || large < limit.now() - 1;
    }

    private Flight fly(DeliveryGroup group, BatchPlanner.Batch batch) {
        planner.started(batch);
        var flight = new Flight(group, batch, List.of());
        flights.put(group.number(), flight);
        return flight;
    }

    /** Takes in the outcome of a group, at a time in milliseconds since the epoch. */
    Learned learn(DeliveryGroup group, DeliveryOutcome outcome, long now) {
        Flight flight = Objects.requireNonNull(flights.remove(group.number()), "not in flight");
        boolean delivered = outcome instanceof DeliveryOutcome.Delivered;
        boolean proof = group.kind() == DeliveryGroup.Kind.PROOF;
        boolean trial = group.kind() == DeliveryGroup.Kind.TRIAL;
        boolean wasDown = policy.outage().isDown();
        boolean wasDoubtful = policy.outage().isDoubtful() || trial;
        planner.ended(flight.batch(), delivered);
        if (delivered && !proof) {
            limit.delivered();
        } else if (outcome instanceof DeliveryOutcome.Busy) {
            limit.busy(group.number(), policy.nextNumber(), now);
        }
        List<Verdict> verdicts = new ArrayList<>(policy.learn(group, outcome, now));
        if (delivered) {
            flight.covered().forEach(entry -> verdicts.add(new Verdict.Delivered(entry)));
        }
        boolean down = policy.outage().isDown() && (!wasDown || (trial && outcome.failed()));
        if (down) {
            planner.doubtAll();
            limit.down();
        }
        return new Learned(
                verdicts,
                down ? policy.outage().reason() : null,
                delivered && !proof && wasDoubtful);
    }

    /** Records that the lane was idle: earlier deliveries prove nothing about later ones. */
    void rest() {
        policy.rest();
    }

    /** Why a due path waits; empty if nothing in this lane delays it. */
    Optional<String> waitsFor(StorePath path, long now) {
        var reason = new WaitReason(flights.values(), policy, planner, limit);
        return Optional.ofNullable(reason.of(path, now));
    }
}
