package hookqueue.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import hookqueue.base.SomePaths;
import hookqueue.queue.Breaker;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Row;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What operators and programs are told, from the same facts. */
class ReportTest {
    private static final Instant NOW = Instant.parse("2026-03-01T14:05:00Z");
    private static final long QUEUED_AT = NOW.minusSeconds(7_500).toEpochMilli();
    private static final LaneCounts A =
            new LaneCounts("ssh://a", true, 1, 2, 3, 4, 5, 1_500_000, 0, Breaker.CLOSED);
    private static final LaneCounts DOWN =
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
                    new Breaker(
                            4,
                            NOW.plusSeconds(720).toEpochMilli(),
                            NOW.minusSeconds(180).toEpochMilli(),
                            "no route to host\nmore"));
    private static final LaneCounts GONE =
            new LaneCounts("ssh://c", false, 0, 9, 0, 0, 0, 0, 0, Breaker.CLOSED);

    private final Status status = new Status(() -> ZoneOffset.UTC);

    @TempDir Path folder;

    private static Overview overview(List<LaneCounts> lanes, List<String> problems) {
        return new Overview(
                NOW,
                lanes,
                Map.of(),
                lanes.isEmpty() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(QUEUED_AT)),
                Optional.empty(),
                problems);
    }

    @Test
    void theSummarySaysAtAGlanceWhatIsGoingOn() {
        assertEquals("idle", status.summary(overview(List.of(), List.of())));
        assertEquals(
                "ssh://a: 3 deferred; ssh://\"b\\ down since 14:02, next try 14:17, 312 queued;"
                        + " 4 failed; something is wrong",
                status.summary(overview(List.of(A, DOWN, GONE), List.of("something is wrong"))));
        assertEquals(
                "paused since 12:00, 5 queued; ssh://a: 3 deferred; 4 failed",
                status.summary(
                        new Overview(
                                NOW,
                                List.of(A),
                                Map.of(),
                                Optional.empty(),
                                Optional.of(Instant.parse("2026-03-01T12:00:00Z")),
                                List.of())));
    }

    @Test
    void lanesThatAreNotInForceCountForNothingButAreShown() {
        Overview o = overview(List.of(A, DOWN, GONE), List.of());
        assertEquals(2 + 3 + 312, o.outstanding());
        assertEquals(4, o.failed());
        assertTrue(status.text(o).stream().anyMatch(line -> line.matches("ssh://c +removed .*")));
    }

    @Test
    void theTextHasARowALaneAndSaysWhatToDo() {
        List<String> text = status.text(overview(List.of(A, DOWN), List.of("p")));
        assertEquals(
                "LANE STATE QUEUED DEFERRED FAILED DELIVERED BYTES",
                text.get(1).replaceAll(" +", " "));
        assertEquals("ssh://a waiting 3 3 4 5 1.5 MB", text.get(2).replaceAll(" +", " "));
        assertEquals("ssh://\"b\\ down 312 0 0 7 0 B", text.get(3).replaceAll(" +", " "));
        assertEquals("  no route to host …", text.get(4));
        assertEquals("oldest queued 2h 5min ago", text.get(5));
        assertEquals("problem: p", text.get(6));
        assertTrue(text.get(7).contains("nix-post-build-hook-queue retry"));
        assertTrue(text.stream().noneMatch(l -> l.startsWith("ok") || l.startsWith("error")));
    }

    @Test
    void theJsonHasTheSameFacts() {
        JsonObject json =
                JsonParser.parseString(status.json(overview(List.of(A, DOWN), List.of("p\"q"))))
                        .getAsJsonObject();
        assertEquals("2026-03-01T14:05:00Z", json.get("at").getAsString());
        assertEquals(317, json.get("queued").getAsInt());
        assertEquals(4, json.get("failed").getAsInt());
        assertEquals("2026-03-01T12:00:00Z", json.get("oldest_queued_at").getAsString());
        assertFalse(json.has("paused_since"));
        assertEquals("p\"q", json.get("problems").getAsJsonArray().get(0).getAsString());
        JsonObject down = json.get("lanes").getAsJsonArray().get(1).getAsJsonObject();
        assertEquals("ssh://\"b\\", down.get("name").getAsString());
        assertEquals("down", down.get("state").getAsString());
        assertEquals("2026-03-01T14:02:00Z", down.get("down_since").getAsString());
        assertEquals("2026-03-01T14:17:00Z", down.get("next_try_at").getAsString());
        assertEquals("no route to host\nmore", down.get("reason").getAsString());
        assertFalse(status.json(overview(List.of(A), List.of())).contains("\n"), "one line");
    }

    private static Row row(Row.State state, int attempts, String reason, boolean configured) {
        return new Row(
                1,
                SomePaths.path(7),
                "ssh://a",
                configured,
                state,
                QUEUED_AT,
                NOW.plusSeconds(90).toEpochMilli(),
                0,
                attempts,
                reason);
    }

    @Test
    void aPathIsOneLineWhateverItsReasonIs() {
        String path = SomePaths.path(7).in("/nix/store");
        assertEquals(
                path + "  ssh://a  queued",
                Rows.text(row(Row.State.FRESH, 0, "", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  held until it is signed",
                Rows.text(row(Row.State.HELD, 0, "", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  deferred, next try in 1min 30s, 1 attempt: no | really",
                Rows.text(row(Row.State.DEFERRED, 1, "no\nreally", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  failed (the lane is not in the settings), 3 attempts: no",
                Rows.text(row(Row.State.FAILED, 3, "no", false), "/nix/store", NOW));
        JsonObject json =
                JsonParser.parseString(
                                Rows.json(row(Row.State.DEFERRED, 1, "a\n\"b", true), "/nix/store"))
                        .getAsJsonObject();
        assertEquals(path, json.get("path").getAsString());
        assertEquals("deferred", json.get("state").getAsString());
        assertEquals("2026-03-01T14:06:30Z", json.get("due_at").getAsString());
        assertEquals("a\n\"b", json.get("reason").getAsString());
    }

    @Test
    void theMetricsFileIsPrometheusTextThatEverybodyMayRead() throws Exception {
        Path file = folder.resolve("queue.prom");
        Files.writeString(file, "old");
        new Metrics("1.2").write(file, overview(List.of(A, DOWN), List.of("p")));
        List<String> lines = Files.readAllLines(file);
        for (String expected :
                List.of(
                        "nix_post_build_hook_queue_build_info{version=\"1.2\"} 1",
                        "nix_post_build_hook_queue_queued_paths{lane=\"ssh://a\"} 3",
                        "nix_post_build_hook_queue_deferred_paths{lane=\"ssh://a\"} 3",
                        "nix_post_build_hook_queue_failed_paths{lane=\"ssh://a\"} 4",
                        "nix_post_build_hook_queue_delivered_paths_total{lane=\"ssh://a\"} 5",
                        "nix_post_build_hook_queue_delivered_bytes_total{lane=\"ssh://a\"} 1500000",
                        "nix_post_build_hook_queue_down{lane=\"ssh://\\\"b\\\\\"} 1",
                        "nix_post_build_hook_queue_oldest_queued_timestamp_seconds "
                                + QUEUED_AT / 1_000,
                        "nix_post_build_hook_queue_paused 0",
                        "nix_post_build_hook_queue_problems 1")) {
            assertTrue(lines.contains(expected), () -> expected + " in " + lines);
        }
        for (String line : lines) {
            if (!line.startsWith("#")) {
                String name = line.split("[{ ]")[0];
                assertTrue(
                        lines.stream().anyMatch(l -> l.startsWith("# HELP " + name + " "))
                                && lines.stream()
                                        .anyMatch(l -> l.startsWith("# TYPE " + name + " ")),
                        name);
            }
        }
        assertEquals(
                "rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        try (Stream<Path> all = Files.list(folder)) {
            assertEquals(List.of(file), all.toList(), "nothing half written is left");
        }
    }

    @Test
    void everyLineForTheJournalHasItsPriority() {
        var logger = new LoggerContext().getLogger("x");
        for (var each :
                Map.of(Level.ERROR, 3, Level.WARN, 4, Level.INFO, 6, Level.DEBUG, 7).entrySet()) {
            var event =
                    new LoggingEvent(
                            "x",
                            logger,
                            each.getKey(),
                            "first {}\nsecond",
                            new IllegalStateException("thrown"),
                            new Object[] {1});
            String text = new Journal.Lines(true).doLayout(event);
            assertTrue(
                    text.startsWith(
                            "<" + each.getValue() + ">first 1\n<" + each.getValue() + ">second\n"),
                    text);
            assertTrue(
                    Arrays.stream(text.split("\n"))
                            .allMatch(l -> l.startsWith("<" + each.getValue() + ">")),
                    text);
            assertTrue(text.contains("IllegalStateException: thrown"), text);
        }
        assertEquals(
                "INFO x\n",
                new Journal.Lines(false)
                        .doLayout(new LoggingEvent("x", logger, Level.INFO, "x", null, null)));
    }
}
