package hookqueue.report;

import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pace;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Snapshots for the tests of this package. */
final class Overviews {
    private Overviews() {}

    static final Instant NOW = Instant.parse("2026-03-01T14:05:00Z");
    static final long QUEUED_AT = NOW.minusSeconds(7_500).toEpochMilli();
    static final LaneCounts A =
            new LaneCounts(
                    "ssh://a",
                    true,
                    1,
                    2,
                    3,
                    4,
                    5,
                    1_500_000,
                    0,
                    new Pace(10, 20_000),
                    Breaker.CLOSED);
    static final LaneCounts DOWN =
            new LaneCounts(
                    "ssh://\"b\\",
                    true,
                    0,
                    312,
                    0,
                    0,
                    7,
                    0,
                    QUEUED_AT,
                    new Pace(0, 0),
                    new Breaker(
                            4,
                            NOW.plusSeconds(720).toEpochMilli(),
                            NOW.minusSeconds(180).toEpochMilli(),
                            "no route to host\nmore"));
    static final LaneCounts GONE =
            new LaneCounts("ssh://c", false, 0, 9, 0, 0, 0, 0, 0, new Pace(0, 0), Breaker.CLOSED);

    static final Overview.Problem P = new Overview.Problem("p\"q", "Mend it");

    static Overview overview(List<LaneCounts> lanes, List<Overview.Problem> problems) {
        return new Overview(
                NOW,
                lanes,
                Map.of(),
                lanes.isEmpty() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(QUEUED_AT)),
                Optional.empty(),
                problems,
                List.of(),
                Optional.empty());
    }

    static LaneCounts waiting(String name, long held, long fresh, long deferred, long failed) {
        return new LaneCounts(
                name,
                true,
                held,
                fresh,
                deferred,
                failed,
                1,
                1,
                0,
                new Pace(10, 1_000),
                Breaker.CLOSED);
    }

    static Overview running(LaneCounts lane, int paths, String... output) {
        return running(lane, batch(paths, output));
    }

    static Lane.Batch batch(int paths, String... output) {
        var progress = new Progress();
        for (String line : output) {
            progress.accept("@nix " + line);
        }
        return new Lane.Batch(paths, NOW.minusSeconds(10), progress);
    }

    static Overview running(LaneCounts lane, Lane.Batch... batches) {
        return new Overview(
                NOW,
                List.of(lane),
                Map.of(lane.name(), new Running(List.of(batches))),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }

    static LaneCounts lane(long fresh, long delivered, long bytes, Pace pace) {
        return new LaneCounts(
                "s3://c", true, 0, fresh, 0, 0, delivered, bytes, 0, pace, Breaker.CLOSED);
    }

    static final String[] A_QUARTER = {
        "{\"action\":\"start\",\"id\":1,\"type\":100,\"text\":\"\"}",
        "{\"action\":\"result\",\"id\":9,\"type\":106,\"fields\":[100,40000000]}",
        "{\"action\":\"result\",\"id\":1,\"type\":105,\"fields\":[10000000,40000000,0,0]}"
    };
}
