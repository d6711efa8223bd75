package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KnownMembersTest {
    private final KnownMembers known = new KnownMembers();

    @Test
    void addedMembersAreKnownUntilTheyAreRemoved() {
        var random = new Random(7);
        var expected = new HashSet<Long>();
        for (int i = 0; i < 50_000; i++) {
            long digest = 1 + random.nextLong(20_000);
            if (random.nextInt(3) == 0) {
                known.remove(digest);
                expected.remove(digest);
            } else {
                known.add(digest);
                expected.add(digest);
            }
        }
        for (long digest = 1; digest <= 20_000; digest++) {
            assertEquals(expected.contains(digest), known.contains(digest));
        }
        known.clear();
        assertFalse(known.contains(expected.iterator().next()));
    }

    @Test
    void theLeastRecentlyUsedMemberIsEvicted() {
        known.add(1);
        known.add(2);
        for (long digest = 10; digest < 1_000_000; digest++) {
            known.add(digest);
            if (digest % 50_000 == 0) {
                assertTrue(known.contains(1));
            }
        }
        assertFalse(known.contains(2));
        assertTrue(known.contains(999_999));
    }
}
