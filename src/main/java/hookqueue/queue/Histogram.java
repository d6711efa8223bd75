package hookqueue.queue;

import java.util.List;

/**
 * A histogram of durations.
 *
 * @param kind what it measures, and the bounds
 * @param counts how many durations are in each bucket: at most the bound at the same index, and
 *     above the previous bound. The last bucket has no bound, so there is one more than there are
 *     bounds
 * @param sumMillis the sum of all durations
 */
public record Histogram(Kind kind, List<Long> counts, long sumMillis) {
    /** What is measured. */
    public enum Kind {
        /** How long a child process took. */
        CHILD(
                "child",
                List.of(
                        100L,
                        500L,
                        1_000L,
                        2_500L,
                        5_000L,
                        10_000L,
                        30_000L,
                        60_000L,
                        300_000L,
                        900_000L,
                        3_600_000L)),
        /** The time from queueing a path to its delivery. */
        LATENCY(
                "latency",
                List.of(
                        500L,
                        1_000L,
                        5_000L,
                        10_000L,
                        30_000L,
                        60_000L,
                        300_000L,
                        900_000L,
                        3_600_000L,
                        14_400_000L,
                        86_400_000L));

        private final String stored;

        @SuppressWarnings("ImmutableEnumChecker") // made by List.of
        private final List<Long> bounds;

        Kind(String stored, List<Long> bounds) {
            this.stored = stored;
            this.bounds = bounds;
        }

        /** Its name in the database. */
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

    /** Checks that there is one more count than there are bounds. */
    public Histogram {
        counts = List.copyOf(counts);
        if (counts.size() != kind.bounds().size() + 1) {
            throw new IllegalArgumentException(
                    "one count for each bound and one more, not " + counts.size());
        }
    }

    /** The number of durations. */
    public long count() {
        return counts.stream().mapToLong(Long::longValue).sum();
    }
}
