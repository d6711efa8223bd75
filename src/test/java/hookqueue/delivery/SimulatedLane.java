package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * A lane, its rows and its destination, without threads, disk or time: what {@link Lane} and the
 * ledger do, in so few lines that thousands of lives can be played. {@code LaneTest} plays the real
 * ones.
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
        /** Refuses what it does not have. */
        FULL
    }

    /** One path's row. */
    static final class Row {
        final long id;
        final StorePath path;
        State state = State.FRESH;
        long due;
        long changed;
        int tries;
        int attempts;

        Row(long id) {
            this.id = id;
            this.path = Paths.path(id);
        }

        Entry entry(long lastDelivery) {
            return new Entry(
                    id, path, tries, attempts, state == State.DEFERRED && changed < lastDelivery);
        }
    }

    /** Those that are not delivered. */
    final Map<Long, Row> rows = new LinkedHashMap<>();

    final List<Row> done = new ArrayList<>();
    final Set<Long> bad = new HashSet<>();
    final Set<Long> there = new HashSet<>();
    final List<String> story = new ArrayList<>();
    final int batch;
    final int maxAttempts;
    Weather weather = Weather.FINE;

    /** The weather lasts for so many more runs, and is fine then. */
    int weatherRuns;

    /** The worker dies in this run, counted from now; none when negative. */
    int deathIn = -1;

    long now = 1_000_000;
    long runs;

    /** Blames of good paths. */
    int falseBlames;

    private final Random random;
    private final Backoff backoff;
    private long lastDelivery;
    private long nextId;
    private Breaker breaker = Breaker.CLOSED;
    private DeliveryPolicy.Known known = DeliveryPolicy.Known.NOTHING;

    SimulatedLane(Random random, int batch, int maxAttempts) {
        this.random = random;
        this.batch = batch;
        this.maxAttempts = maxAttempts;
        this.backoff = Backoff.standard(random::nextDouble);
    }

    long arrive(boolean isBad) {
        long id = nextId++;
        rows.put(id, new Row(id));
        if (isBad) {
            bad.add(id);
        }
        return id;
    }

    void restart() {
        story.add("restart");
        known = DeliveryPolicy.Known.NOTHING;
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

    boolean breakerOpen() {
        return breaker.open();
    }

    /** A round when something is due, else time passes until something is, or for a minute. */
    void turn() {
        List<Entry> fresh = entries(State.FRESH, batch, false);
        List<Entry> due = List.of();
        if (!breaker.open()) {
            due = entries(State.DEFERRED, Math.min(50, batch), true);
        } else if (breaker.until() > now) {
            now = breaker.until();
            known = known.aged();
            return;
        } else {
            List<Entry> all = entries(State.FRESH, Integer.MAX_VALUE, false);
            if (all.isEmpty()) {
                all = entries(State.DEFERRED, 1, false);
                fresh = all;
            } else {
                fresh = List.of(breaker.failures() % 2 == 1 ? all.getLast() : all.getFirst());
            }
        }
        if (fresh.isEmpty() && due.isEmpty()) {
            known = known.aged();
            long next =
                    rows.values().stream()
                            .filter(row -> row.state == State.DEFERRED)
                            .mapToLong(row -> row.due)
                            .min()
                            .orElse(now + 60_000);
            now = Math.max(now + 1, Math.min(next, now + 60_000));
            return;
        }
        DeliveryPolicy round =
                breaker.open()
                        ? DeliveryPolicy.trial(fresh.getFirst(), known, maxAttempts, backoff)
                        : DeliveryPolicy.of(fresh, due, known, maxAttempts, backoff);
        play(round);
    }

    private void play(DeliveryPolicy round) {
        List<Entry> group = round.next();
        while (!group.isEmpty()) {
            DeliveryOutcome outcome = carry(group);
            if (deathIn == 0) {
                deathIn = -1;
                restart();
                return;
            }
            record(round.learn(outcome, now));
            group = round.next();
        }
        record(round.over(now));
        settle(round);
    }

    private DeliveryOutcome carry(List<Entry> group) {
        runs++;
        deathIn -= deathIn > 0 ? 1 : 0;
        now += 300;
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
                        + outcome.getClass().getSimpleName());
        if (weatherRuns > 0 && --weatherRuns == 0) {
            weather = Weather.FINE;
        }
        return outcome;
    }

    private DeliveryOutcome answer(List<Entry> group) {
        List<Entry> missing = group.stream().filter(e -> !there.contains(e.id())).toList();
        List<Entry> wrong = missing.stream().filter(e -> bad.contains(e.id())).toList();
        boolean refuses =
                switch (weather) {
                    case FINE -> !wrong.isEmpty();
                    case DOWN -> true;
                    case FULL -> !missing.isEmpty();
                };
        if (!refuses) {
            group.forEach(e -> there.add(e.id()));
            return new DeliveryOutcome.Delivered(0);
        }
        Set<StorePath> named =
                switch (random.nextInt(3)) {
                    case 0 -> Set.of(group.getFirst().path());
                    case 1 -> wrong.isEmpty() ? Set.of() : Set.of(wrong.getLast().path());
                    default -> Set.of();
                };
        return new DeliveryOutcome.Refused("no", named);
    }

    private void record(List<Verdict> verdicts) {
        for (Verdict verdict : verdicts) {
            Row row = rows.get(verdict.entry().id());
            row.changed = now;
            switch (verdict) {
                case Verdict.Delivered done -> {
                    row.state = State.DONE;
                    lastDelivery = now;
                }
                case Verdict.Deferred later -> {
                    blamed(row, later.attempts());
                    row.state = State.DEFERRED;
                    row.due = later.dueAt();
                    row.tries = later.tries();
                }
                case Verdict.Failed failed -> {
                    blamed(row, failed.attempts());
                    row.state = State.FAILED;
                }
            }
        }
    }

    private void blamed(Row row, int attempts) {
        if (attempts > row.attempts) {
            story.add("blamed " + row.id);
            falseBlames += bad.contains(row.id) ? 0 : 1;
        }
        row.attempts = attempts;
    }

    private void settle(DeliveryPolicy round) {
        String down = round.down();
        if (down != null) {
            boolean still = breaker.open() && !round.worked();
            int failures = still ? breaker.failures() + 1 : 1;
            breaker = new Breaker(failures, now + backoff.millis(failures), now, down);
            story.add("down, failures " + failures);
            known = round.known();
            return;
        }
        boolean news = round.worked() && (breaker.open() || known.failuresInARow() > 0);
        known = round.known();
        if (news) {
            breaker = Breaker.CLOSED;
            rows.values().stream()
                    .filter(row -> row.state == State.DEFERRED && row.attempts == 0)
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
