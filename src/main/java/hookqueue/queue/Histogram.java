package hookqueue.queue;

import java.util.List;

/**
 * How often something took how long.
 *
 * @param kind what, and the bounds
 * @param counts how many took at most as long as the bound of the same place and longer than the
 *     one before; the last one has no bound. One more than there are bounds
 * @param sumMillis how long all of them took together
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
        /** From a path's being queued to its delivery. */
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

        /** The upper bounds in milliseconds, rising. */
        public List<Long> bounds() {
            return bounds;
        }

        /** The place among {@link Histogram#counts} for a time; one below 0 counts as 0. */
        int place(long millis) {
            int place = 0;
            while (place < bounds.size() && millis > bounds.get(place)) {
                place++;
            }
            return place;
        }
    }

    /** Checks that there is a count for each bound and one more. */
    public Histogram {
        counts = List.copyOf(counts);
        if (counts.size() != kind.bounds().size() + 1) {
            throw new IllegalArgumentException(
                    "one count for each bound and one more, not " + counts.size());
        }
    }

    /** How many there were. */
    public long count() {
        return counts.stream().mapToLong(Long::longValue).sum();
    }
}
