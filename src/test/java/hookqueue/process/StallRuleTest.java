package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.process.StallRule.Activity;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StallRuleTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final StallRule rule = new StallRule(Duration.ofSeconds(10), 0);

    private boolean stalledAt(long seconds, long moved, Map<Long, SocketQueues> sockets) {
        return rule.stalled(new Activity(moved, sockets), 0, seconds * SECOND);
    }

    private static Map<Long, SocketQueues> queue(long sending) {
        return Map.of(7L, new SocketQueues(sending, 0));
    }

    @Test
    void aChildThatDoesNothingHasStalledAfterTheTimeout() {
        assertFalse(stalledAt(9, 0, Map.of()));
        assertTrue(stalledAt(10, 0, Map.of()));
    }

    @Test
    void aFullSocketQueueThatIsNotReadIsNoProgress() {
        assertFalse(stalledAt(1, 0, queue(2_500_000)));
        assertFalse(stalledAt(10, 0, queue(2_500_000)));
        assertTrue(stalledAt(11, 0, queue(2_500_000)));
    }

    @Test
    void aChangingSocketQueueIsAlwaysProgress() {
        for (int second = 1; second < 1_000; second++) {
            assertFalse(stalledAt(second, 0, queue(2_500_000 + 600 * (second / 9 % 2))));
        }
    }

    @Test
    void aSlowlyShrinkingSocketQueueIsProgress() {
        for (int second = 1; second < 1_000; second++) {
            assertFalse(stalledAt(second, 0, queue(2_500_000 - 60L * second)));
        }
    }

    @Test
    void keepAliveMessagesAreNoProgress() {
        assertFalse(stalledAt(1, 0, queue(0)));
        for (int second = 2; second < 11; second++) {
            assertFalse(stalledAt(second, 200L * second, queue(second % 2 * 92)));
        }
        assertTrue(stalledAt(11, 2_200, queue(92)));
    }

    @Test
    void aConnectionThatOpensOrClosesIsProgress() {
        assertFalse(stalledAt(9, 0, queue(0)));
        assertFalse(stalledAt(18, 0, Map.of()));
        assertFalse(stalledAt(27, 0, Map.of(8L, new SocketQueues(0, 0))));
        assertTrue(stalledAt(37, 0, Map.of(8L, new SocketQueues(0, 0))));
    }

    @Test
    void readOrWrittenBytesAreProgressEvenAfterAProcessEnded() {
        assertFalse(stalledAt(5, 10_000_000, Map.of()));
        assertFalse(stalledAt(6, 1_000, Map.of())); // the process that moved most data has ended
        assertFalse(stalledAt(14, 301_000, Map.of()));
        assertFalse(stalledAt(23, 301_000, Map.of()));
        assertTrue(stalledAt(24, 301_000, Map.of()));
    }

    @Test
    void outputIsProgress() {
        assertFalse(rule.stalled(Activity.NONE, 8 * SECOND, 10 * SECOND));
        assertTrue(rule.stalled(Activity.NONE, 8 * SECOND, 18 * SECOND));
    }

    @Test
    void queuesAreReadFromTheKernelsTable() throws IOException {
        String table =
                """
                  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
                   0: 0100007F:A1B2 0100007F:0050 01 0026259F:00000010 01:00000014 00000000     0        0 4711 2 0000000000000000 20 4 30 10 -1
                   1: 0100007F:A1B3 0100007F:0050 01 00000001:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
                """;
        assertEquals(
                Map.of(4711L, new SocketQueues(0x26259F, 16)),
                SocketQueues.read(new BufferedReader(new StringReader(table)), Set.of(4711L, 9L)));
    }
}
