package hookqueue.queue;

import java.util.Arrays;
import java.util.List;

/**
 * A histogram of durations. Each bucket counts those at most its bound and above the previous one.
 * The last has no bound, so there is one more count than there are bounds.
 */
public record Histogram(Kind kind, List<Long> counts, long sumMillis) {
    public enum Kind {
        /** How long a child process took. */
        CHILD(
                "child", 100, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000,
                3_600_000),
        /** The time from queueing a path to its delivery. */
        LATENCY(
                "latency",
                500,
                1_000,
                5_000,
                10_000,
                30_000,
                60_000,
                300_000,
                900_000,
                3_600_000,
                14_400_000,
                86_400_000);

        private final String stored;

        @SuppressWarnings("ImmutableEnumChecker") // unmodifiable
        private final List<Long> bounds;

        Kind(String stored, long... bounds) {
            this.stored = stored;
            this.bounds = Arrays.stream(bounds).boxed().toList();
        }

        String stored() {
            return stored;
        }

        /** The upper bounds in milliseconds, ascending. */
        public List<Long> bounds() {
            return bounds;
        }

        /** The index in {@link Histogram#counts} for a duration; a negative one counts as 0. */
        int place(long millis) {
            int place = 0;
            while (place < bounds.size() && millis > bounds.get(place)) {
                place++;
            }
            return place;
        }
    }

    public Histogram {
        counts = List.copyOf(counts);
        if (counts.size() != kind.bounds().size() + 1) {
            throw new IllegalArgumentException(
                    "one count for each bound and one more, not " + counts.size());
        }
    }
}
