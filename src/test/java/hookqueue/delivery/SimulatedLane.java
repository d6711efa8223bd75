package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Simulates a lane, its rows and its destination, without threads, disk or real time, fast enough
 * for thousands of lives. It mirrors {@link Lane} and the queue; {@code LaneTest} tests the real
 * classes.
 */
final class SimulatedLane {
    enum State {
        FRESH,
        DEFERRED,
        FAILED,
        DONE
    }

    enum Weather {
        FINE,
        /** Refuses everything. */
        DOWN,
        /** Refuses paths that it does not have yet. */
        FULL,
        /** Refuses everything, because it is busy. */
        BUSY
    }

    /** One path's row. */
    static final class Row {
        final long id;
        final StorePath path;
        State state = State.FRESH;
        long due;
        long changed;
        int inconclusive;
        int failures;

        Row(long id) {
            this.id = id;
            this.path = Paths.path(id);
        }

        Entry entry(long lastDelivery) {
            return new Entry(
                    id,
                    path,
                    inconclusive,
                    failures,
                    state == State.DEFERRED && changed < lastDelivery,
                    0);
        }
    }

    /** The paths that are not delivered. */
    final Map<Long, Row> rows = new LinkedHashMap<>();

    final List<Row> done = new ArrayList<>();
    final Set<Long> bad = new HashSet<>();
    final Set<Long> there = new HashSet<>();
    final List<String> story = new ArrayList<>();
    final int slots;
    final int batch;
    final int maxAttempts;
    Weather weather = Weather.FINE;

    /** The outage lasts for this many more runs. */
    int weatherRuns;

    /** The worker crashes in this run, counted from now; never if negative. */
    int deathIn = -1;

    long now = 1_000_000;
    long runs;

    /** Blames of good paths. */
    int falseBlames;

    private final Random random;
    private final Backoff backoff;
    private final Map<Long, Set<Long>> dependencies = new HashMap<>();
    private final List<Flying> flying = new ArrayList<>();
    private Dispatcher dispatcher;
    private long lastDelivery;
    private long nextId;
    private Breaker breaker = Breaker.CLOSED;

    /** The time when a batch with fresh paths failed, if no path was delivered since; else 0. */
    private long troubleSince;

    /** A child process. */
    private record Flying(Dispatcher.Flight flight, long began, long ends, Set<Long> closure) {
        boolean large() {
            return flight.batch().large();
        }
    }

    SimulatedLane(Random random, int slots, int batch, int maxAttempts) {
        this.random = random;
        this.slots = slots;
        this.batch = batch;
        this.maxAttempts = maxAttempts;
        this.backoff = Backoff.standard(random::nextDouble);
        restart();
    }

    /** Every path depends on one of three libraries, and perhaps on earlier good paths. */
    long arrive(boolean isBad) {
        long id = nextId++;
        var needs = new HashSet<Long>(Set.of(LIBRARY + random.nextInt(3)));
        for (int i = random.nextInt(3); i > 0 && id > 0; i--) {
            long other = random.nextLong(Math.max(0, id - 20), id);
            if (!bad.contains(other)) {
                needs.add(other);
            }
        }
        dependencies.put(id, needs);
        rows.put(id, new Row(id));
        if (isBad) {
            bad.add(id);
        }
        return id;
    }

    static final int WORTH_A_CHILD = 4;

    private static final long LIBRARY = 1_000_000_000;

    private static final long BIG = 20L << 20;

    private static long bytes(long id) {
        return id % 7 == 0 ? BIG : 4_000;
    }

    private Set<Long> closure(long id) {
        var closure = new HashSet<Long>();
        var open = new ArrayList<>(List.of(id));
        while (!open.isEmpty()) {
            long next = open.removeLast();
            if (closure.add(next)) {
                open.addAll(dependencies.getOrDefault(next, Set.of()));
            }
        }
        return closure;
    }

    private Optional<Collection<ClosureSource.Member>> closures(List<StorePath> paths) {
        if (random.nextInt(50) == 0) {
            return Optional.empty(); // Nix does not answer
        }
        var members = new HashMap<Long, ClosureSource.Member>();
        for (StorePath path : paths) {
            for (long id : closure(Long.parseLong(path.name().substring(1)))) {
                long[] references =
                        dependencies.getOrDefault(id, Set.of()).stream()
                                .mapToLong(SimulatedLane::digest)
                                .toArray();
                members.put(id, new ClosureSource.Member(digest(id), references, bytes(id)));
            }
        }
        return Optional.of(members.values());
    }

    private static long digest(long id) {
        return ClosureGraph.digest(Paths.path(id));
    }

    final void restart() {
        story.add("restart");
        flying.clear();
        troubleSince = 0;
        dispatcher =
                new Dispatcher(
                        slots,
                        batch,
                        () -> WORTH_A_CHILD,
                        maxAttempts,
                        this::closures,
                        random::nextDouble);
    }

    List<Row> all() {
        var all = new ArrayList<>(done);
        all.addAll(rows.values());
        return all;
    }

    long count(State state) {
        return rows.values().stream().filter(row -> row.state == state).count();
    }

    boolean goodOutstanding() {
        return rows.values().stream()
                .anyMatch(row -> row.state != State.DONE && !bad.contains(row.id));
    }

    long largeOutstanding() {
        return rows.values().stream().filter(row -> bytes(row.id) == BIG).count();
    }

    boolean breakerOpen() {
        return breaker.open();
    }

    boolean busy() {
        return !flying.isEmpty();
    }

    /**
     * Fills the free slots, and ends the child that finishes first. Without children, time passes
     * until a path is due, or for a minute.
     */
    void turn() {
        Dispatcher.Work work = work();
        dispatcher.fill(work, now).forEach(this::start);
        if (!flying.isEmpty()) {
            Flying first =
                    flying.stream().min(Comparator.comparingLong(Flying::ends)).orElseThrow();
            flying.remove(first);
            now = Math.max(now, first.ends());
            end(first);
            return;
        }
        dispatcher.rest();
        long due =
                breaker.open()
                        ? breaker.until()
                        : rows.values().stream()
                                .filter(row -> row.state == State.DEFERRED)
                                .mapToLong(row -> row.due)
                                .min()
                                .orElse(now + 60_000);
        long wake = dispatcher.busyFor(now) > 0 ? now + dispatcher.busyFor(now) : due;
        now = Math.max(now + 1, Math.min(wake, now + 60_000));
    }

    private Dispatcher.Work work() {
        if (!breaker.open()) {
            return new Dispatcher.Work(
                    false,
                    breaker,
                    entries(State.FRESH, 300 + dispatcher.held(), false),
                    entries(State.DEFERRED, 50, true),
                    entries(State.DEFERRED, 200, false));
        }
        List<Entry> trial = List.of();
        if (breaker.until() <= now) {
            List<Entry> all = entries(State.FRESH, Integer.MAX_VALUE, false);
            trial = all.isEmpty() ? entries(State.DEFERRED, 5, false) : all;
            trial = breaker.failures() % 2 == 1 ? trial.reversed() : trial;
        }
        return new Dispatcher.Work(false, breaker, trial, List.of(), List.of());
    }

    /** The invariants at each child's start. */
    private void start(Dispatcher.Flight flight) {
        List<Entry> group = flight.group().members();
        var closure = new HashSet<Long>();
        group.forEach(entry -> closure.addAll(closure(entry.id())));
        closure.removeAll(there);
        for (Flying other : flying) {
            var both = new HashSet<>(closure);
            both.retainAll(other.closure());
            both.removeAll(there);
            assertTrue(both.isEmpty(), () -> "sent twice at a time: " + both);
        }
        flying.add(new Flying(flight, now, now + 50 + random.nextInt(1_500), closure));
        assertTrue(flying.size() <= slots, "more child processes than slots");
        if (slots > 1) {
            assertTrue(
                    flying.stream().filter(Flying::large).count() < slots,
                    "no slot is left for small paths");
        }
        if (troubleSince > 0) {
            long since = flying.stream().filter(f -> f.began() >= troubleSince).count();
            assertTrue(since <= 1, () -> since + " started since a batch was refused");
        }
        assertTrue(
                !breaker.open() || flight.group().members().size() == 1, "a trial is of one path");
    }

    private void end(Flying flown) {
        DeliveryGroup group = flown.flight().group();
        DeliveryOutcome outcome = carry(group.members());
        if (deathIn == 0) {
            deathIn = -1;
            restart();
            return;
        }
        boolean proof = group.kind() == DeliveryGroup.Kind.PROOF;
        Dispatcher.Learned learned = dispatcher.learn(group, outcome, now);
        if (outcome instanceof DeliveryOutcome.Delivered && !proof) {
            troubleSince = 0;
        } else if (outcome instanceof DeliveryOutcome.Refused
                && group.kind() == DeliveryGroup.Kind.BATCH
                && troubleSince == 0
                && !breaker.open()) {
            troubleSince = ++now;
        }
        record(learned.verdicts());
        settle(learned, group);
    }

    private DeliveryOutcome carry(List<Entry> group) {
        runs++;
        deathIn -= deathIn > 0 ? 1 : 0;
        DeliveryOutcome outcome = answer(group);
        story.add(
                now
                        + " "
                        + weather
                        + " "
                        + group.size()
                        + " from "
                        + group.getFirst().id()
                        + " "
                        + outcome.getClass().getSimpleName()
                        + ", beside "
                        + flying.size());
        if (weatherRuns > 0 && --weatherRuns == 0) {
            weather = Weather.FINE;
        }
        return outcome;
    }

    private DeliveryOutcome answer(List<Entry> group) {
        List<Entry> missing = group.stream().filter(e -> !there.contains(e.id())).toList();
        boolean wrong = missing.stream().anyMatch(e -> bad.contains(e.id()));
        return switch (weather) {
            case FINE -> wrong ? new DeliveryOutcome.Refused("no") : taken(group);
            case DOWN -> new DeliveryOutcome.Refused("no");
            case FULL -> missing.isEmpty() ? taken(group) : new DeliveryOutcome.Refused("no");
            case BUSY -> new DeliveryOutcome.Busy("HTTP error 429");
        };
    }

    private DeliveryOutcome taken(List<Entry> group) {
        group.forEach(e -> there.addAll(closure(e.id())));
        return new DeliveryOutcome.Delivered(0);
    }

    private void record(List<Verdict> verdicts) {
        for (Verdict verdict : verdicts) {
            Row row = rows.get(verdict.entry().id());
            if (row == null) {
                continue; // delivered meanwhile
            }
            row.changed = now;
            switch (verdict) {
                case Verdict.Delivered done -> {
                    row.state = State.DONE;
                    lastDelivery = now;
                }
                case Verdict.Deferred later -> {
                    blamed(row, later.failures());
                    row.state = State.DEFERRED;
                    row.due = later.dueAt();
                    row.inconclusive = later.inconclusive();
                }
                case Verdict.Failed failed -> {
                    blamed(row, failed.failures());
                    row.state = State.FAILED;
                }
            }
        }
    }

    private void blamed(Row row, int failures) {
        if (failures > row.failures) {
            story.add("blamed " + row.id);
            falseBlames += bad.contains(row.id) ? 0 : 1;
        }
        row.failures = failures;
    }

    private void settle(Dispatcher.Learned learned, DeliveryGroup group) {
        if (learned.down() != null) {
            boolean still = breaker.open() && group.kind() == DeliveryGroup.Kind.TRIAL;
            int failures = still ? breaker.failures() + 1 : 1;
            breaker = new Breaker(failures, now + backoff.millis(failures), now, learned.down());
            story.add("down, failures " + failures);
            troubleSince = 0;
        } else if (learned.worksAgain()) {
            breaker = Breaker.CLOSED;
            rows.values().stream()
                    .filter(row -> row.state == State.DEFERRED && row.failures == 0)
                    .forEach(row -> row.due = Math.min(row.due, now));
        }
    }

    private List<Entry> entries(State state, int limit, boolean due) {
        rows.values().stream().filter(row -> row.state == State.DONE).forEach(done::add);
        rows.values().removeIf(row -> row.state == State.DONE);
        return rows.values().stream()
                .filter(row -> row.state == state && (!due || row.due <= now))
                .sorted(Comparator.comparingLong((Row row) -> row.due).thenComparingLong(r -> r.id))
                .limit(limit)
                .map(row -> row.entry(lastDelivery))
                .toList();
    }
}
