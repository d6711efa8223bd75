package hookqueue.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.delivery.Improvement;
import hookqueue.queue.Breaker;
import hookqueue.queue.Speed;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HintsTest {
    private static final Speed SLOW = new Speed(2_100_000, true, 85, true);
    private static final Speed FAST = new Speed(90_000_000, false, 2, false);

    @Test
    void aSlowCacheWithXzIsToldOfZstd() {
        assertEquals(
                "s3://c gets 2.1 MB/s from each process, as fast as xz compresses (1.4 to 3 MB/s)."
                        + " If the network is faster, add compression=zstd to its URL in NPBHQ_UPLOAD_TO",
                text("s3://c", Improvement.ZSTD));
        assertNull(hint("s3://c", Improvement.ZSTD, FAST));
    }

    @Test
    void aSlowSshDestinationIsToldOfSshNg() {
        String text = text("ssh://h", Improvement.SSH_NG);
        assertTrue(text.startsWith("ssh://h takes 85 ms for a small path"), text);
        assertTrue(text.contains("ssh-ng://"), text);
        assertNull(hint("ssh://h", Improvement.SSH_NG, FAST));
    }

    @Test
    void anotherBottleneckGetsNoHint() {
        assertNull(hint("a", Improvement.ZSTD, new Speed(2, false, 85, true)));
        assertNull(hint("a", Improvement.SSH_NG, new Speed(2, true, 1, false)));
        assertNull(hint("a", Improvement.NONE, SLOW));
    }

    @Test
    void aDestinationThatStallsIsToldOfMaxConnections() {
        var stalled = new Breaker(1, 2, 1, "no progress for 3.0s, so it was ended");
        var unreachable = new Breaker(1, 2, 1, "Connection refused");
        var improvement = Improvement.NO_MAX_CONNECTIONS;
        String text =
                Objects.requireNonNull(Hints.hint("ssh://h", improvement, FAST, stalled)).text();
        assertTrue(text.contains("max-connections hangs Nix 2.8 and 2.26"), text);
        assertNull(Hints.hint("ssh://h", improvement, FAST, unreachable));
        assertNull(Hints.hint("ssh://h", improvement, FAST, Breaker.CLOSED));
        assertNull(Hints.hint("ssh://h", Improvement.SSH_NG, FAST, stalled));
    }

    private static Overview.@Nullable Problem hint(
            String lane, Improvement improvement, Speed speed) {
        return Hints.hint(lane, improvement, speed, Breaker.CLOSED);
    }

    private static String text(String lane, Improvement improvement) {
        return Objects.requireNonNull(hint(lane, improvement, SLOW)).text();
    }
}
