package hookqueue.delivery;

import hookqueue.queue.Breaker;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;

/**
 * Builders that share one cache, without threads, disk or time. The cache serves a bounded number
 * of child processes at a time and answers 429 to the others.
 *
 * <pre>
 *   child starts ── 0.2 to 0.4 s ──► first request ── 0.5 to 3 s ──► delivered
 *                                        │ the cache is full
 *                                        ▼
 *                                   Busy, at once
 * </pre>
 */
final class SimulatedFleet {
    private static final int BATCH = 10;
    private static final int WINDOW = 100;

    private final Random random;
    private final int capacity;
    private final List<Builder> builders = new ArrayList<>();
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::id));
    private long now = 1_000_000;
    private long ids;
    private int served;
    private int children;
    private long delivered;
    private long otherVerdicts;
    private final Meter meter = new Meter();

    private enum What {
        WAKE,
        FIRST_REQUEST,
        END
    }

    private record Event(long at, long id, What what, Builder builder, DeliveryGroup group) {}

    /**
     * The load of the cache after the builders have settled.
     *
     * @param children running child processes, averaged over time
     * @param mostChildren most child processes at a time
     * @param served child processes that the cache serves, averaged over time
     * @param refused child processes that the cache refused
     * @param accepted child processes that the cache served
     * @param leastShare batches of the builder with the fewest, as a part of the mean
     * @param seconds until all queues were empty
     */
    record Figures(
            double children,
            int mostChildren,
            double served,
            long refused,
            long accepted,
            double leastShare,
            double seconds) {
        double refusedShare() {
            return (double) refused / (refused + accepted);
        }

        String text() {
            return String.format(
                    Locale.ROOT,
                    "%.0f children (at most %d), %.0f served, %.0f %% refused, least share %.2f, empty after %.0f s",
                    children,
                    mostChildren,
                    served,
                    100 * refusedShare(),
                    leastShare,
                    seconds);
        }
    }

    private final class Builder {
        private final Map<Long, Entry> queued = new LinkedHashMap<>();
        private final Dispatcher dispatcher;
        private final Backoff backoff = Backoff.standard(random::nextDouble);
        private Breaker breaker = Breaker.CLOSED;
        private long batches;

        Builder(int slots, long from, long to) {
            dispatcher =
                    new Dispatcher(
                            slots, BATCH, () -> 4, 3, ClosureSource.NONE, random::nextDouble);
            for (long id = from; id < to; id++) {
                queued.put(id, Paths.fresh(id));
            }
        }

        void fill() {
            for (Dispatcher.Flight flight : dispatcher.fill(work(), now)) {
                children++;
                schedule(200 + random.nextInt(200), What.FIRST_REQUEST, this, flight.group());
            }
            long wake = breaker.open() ? breaker.until() - now : dispatcher.busyFor(now);
            if (wake > 0) {
                schedule(wake, What.WAKE, this, null);
            }
        }

        private Dispatcher.Work work() {
            boolean waits = breaker.open() && breaker.until() > now;
            List<Entry> fresh =
                    waits
                            ? List.of()
                            : queued.values().stream().limit(WINDOW + dispatcher.held()).toList();
            return new Dispatcher.Work(false, breaker, fresh, List.of(), List.of());
        }

        void learn(DeliveryGroup group, DeliveryOutcome outcome) {
            children--;
            Dispatcher.Learned learned = dispatcher.learn(group, outcome, now);
            for (Verdict verdict : learned.verdicts()) {
                if (verdict instanceof Verdict.Delivered) {
                    delivered += queued.remove(verdict.entry().id()) == null ? 0 : 1;
                } else {
                    otherVerdicts++;
                }
            }
            if (learned.down() != null) {
                int failures =
                        breaker.open() && group.kind() == DeliveryGroup.Kind.TRIAL
                                ? breaker.failures() + 1
                                : 1;
                breaker =
                        new Breaker(failures, now + backoff.millis(failures), now, learned.down());
            } else if (learned.worksAgain()) {
                breaker = Breaker.CLOSED;
            }
            fill();
        }
    }

    /** Integrates over time, from the moment when the builders have settled. */
    private static final class Meter {
        private long from = Long.MAX_VALUE;
        private long to = Long.MAX_VALUE;
        private double children;
        private double served;
        private int most;
        private long refused;
        private long accepted;
        private long millis;

        boolean on(long now) {
            return now >= from && now < to;
        }

        void passed(long before, long now, int childrenNow, int servedNow) {
            if (on(before)) {
                long took = now - before;
                millis += took;
                children += (double) childrenNow * took;
                served += (double) servedNow * took;
                most = Math.max(most, childrenNow);
            }
        }
    }

    SimulatedFleet(long seed, int machines, int slots, int paths, int capacity) {
        this.random = new Random(seed);
        this.capacity = capacity;
        for (int i = 0; i < machines; i++) {
            builders.add(new Builder(slots, (long) i * paths, (long) (i + 1) * paths));
        }
    }

    /** Plays until all queues are empty; measures from then on until the first queue is empty. */
    Figures play(long settled) {
        meter.from = now + settled;
        long began = now;
        builders.forEach(builder -> schedule(random.nextInt(2_000), What.WAKE, builder, null));
        while (!events.isEmpty()) {
            Event event = events.remove();
            meter.passed(now, event.at(), children, served);
            now = event.at();
            happen(event);
            if (meter.to == Long.MAX_VALUE && builders.stream().anyMatch(b -> b.queued.isEmpty())) {
                meter.to = now;
            }
        }
        double mean = builders.stream().mapToLong(b -> b.batches).average().orElse(0);
        long least = builders.stream().mapToLong(b -> b.batches).min().orElse(0);
        return new Figures(
                meter.children / meter.millis,
                meter.most,
                meter.served / meter.millis,
                meter.refused,
                meter.accepted,
                least / mean,
                (now - began) / 1e3);
    }

    private void happen(Event event) {
        Builder builder = event.builder();
        switch (event.what()) {
            case WAKE -> builder.fill();
            case FIRST_REQUEST -> {
                if (served < capacity) {
                    served++;
                    meter.accepted += meter.on(now) ? 1 : 0;
                    builder.batches += meter.on(now) ? 1 : 0;
                    schedule(500 + random.nextInt(2_500), What.END, builder, event.group());
                } else {
                    meter.refused += meter.on(now) ? 1 : 0;
                    builder.learn(event.group(), new DeliveryOutcome.Busy("HTTP error 429"));
                }
            }
            case END -> {
                served--;
                builder.learn(event.group(), new DeliveryOutcome.Delivered(0));
            }
        }
    }

    private void schedule(long after, What what, Builder builder, DeliveryGroup group) {
        events.add(new Event(now + after, ids++, what, builder, group));
    }

    long delivered() {
        return delivered;
    }

    long otherVerdicts() {
        return otherVerdicts;
    }
}
