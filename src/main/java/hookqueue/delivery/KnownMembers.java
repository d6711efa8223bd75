package hookqueue.delivery;

import java.util.Arrays;

/**
 * The store paths that a destination is known to have, as digests, for scheduling only: a wrong
 * entry sends bytes twice, or delays a path, and nothing worse.
 *
 * <p>Bounded: two generations of at most 100,000 each, in primitive hash tables (at most 4 MB).
 * When the young one is full, the old one is forgotten. A hit in the old one moves to the young
 * one.
 */
final class KnownMembers {
    private static final int GENERATION = 100_000;

    private LongSet young = new LongSet();
    private LongSet old = new LongSet();

    void add(long digest) {
        young.add(digest);
        if (young.used >= GENERATION) {
            old = young;
            young = new LongSet();
        }
    }

    boolean contains(long digest) {
        if (young.contains(digest)) {
            return true;
        }
        if (old.contains(digest)) {
            add(digest);
            return true;
        }
        return false;
    }

    void remove(long digest) {
        young.remove(digest);
        old.remove(digest);
    }

    void clear() {
        young = new LongSet();
        old = new LongSet();
    }

    /** Open addressing; 0 marks a free place and {@link #REMOVED} one that was in use. */
    private static final class LongSet {
        private static final long REMOVED = -1;

        private long[] places = new long[1024];
        private int used;

        boolean contains(long digest) {
            return places[place(digest)] == digest;
        }

        void add(long digest) {
            int place = place(digest);
            if (places[place] != digest) {
                places[place] = digest;
                used++;
                if (used * 2 > places.length) {
                    grow();
                }
            }
        }

        void remove(long digest) {
            int place = place(digest);
            if (places[place] == digest) {
                places[place] = REMOVED; // still counts as used, until the table grows
            }
        }

        private int place(long digest) {
            int place = (int) ((digest * 0x9E3779B97F4A7C15L) >>> 40) & (places.length - 1);
            while (places[place] != 0 && places[place] != digest) {
                place = (place + 1) & (places.length - 1);
            }
            return place;
        }

        private void grow() {
            long[] before = places;
            places = new long[before.length * 2];
            used = 0;
            Arrays.stream(before).filter(digest -> digest > 0).forEach(this::add);
        }
    }
}
