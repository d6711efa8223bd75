package hookqueue.report;

import static hookqueue.report.Overviews.A;
import static hookqueue.report.Overviews.A_QUARTER;
import static hookqueue.report.Overviews.DOWN;
import static hookqueue.report.Overviews.GONE;
import static hookqueue.report.Overviews.NOW;
import static hookqueue.report.Overviews.P;
import static hookqueue.report.Overviews.QUEUED_AT;
import static hookqueue.report.Overviews.lane;
import static hookqueue.report.Overviews.overview;
import static hookqueue.report.Overviews.running;
import static hookqueue.report.Overviews.waiting;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import hookqueue.base.SomePaths;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pace;
import hookqueue.queue.Pause;
import hookqueue.systemd.Journal;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The reports for operators and programs, from the same facts. */
class ReportTest {

    private final StatusText status = new StatusText(() -> ZoneOffset.UTC);

    @Test
    void theSummaryCountsPathsAndProblems() {
        assertEquals("idle", status.summary(overview(List.of(), List.of())));
        assertEquals(
                "ssh://a: 3 deferred; ssh://\"b\\ down since 14:02, next try 14:17, 312 queued;"
                        + " 4 failed; p\"q. Mend it",
                status.summary(overview(List.of(A, DOWN, GONE), List.of(P))));
        assertEquals(
                "paused since 12:00, 5 queued; ssh://a: 3 deferred; 4 failed",
                status.summary(paused(0)));
        assertEquals(
                "paused since 12:00 until 15:00, 5 queued; ssh://a: 3 deferred; 4 failed",
                status.summary(paused(Instant.parse("2026-03-01T15:00:00Z").toEpochMilli())));
    }

    @Test
    void anOutageIsShownWhileTheDestinationIsTriedAgain() {
        Overview o = running(DOWN, 1, A_QUARTER);
        assertEquals(
                "ssh://\"b\\ down since 14:02, trying again: copying 1 of 312, 10 MB of 40 MB at 1.0 MB/s",
                status.summary(o));
        assertTrue(
                status.text(o)
                        .contains(
                                "ssh://\"b\\ is down since 14:02 (3min ago), trying again: no route to host …"),
                String.join("\n", status.text(o)));
    }

    private static Overview paused(long until) {
        long since = Instant.parse("2026-03-01T12:00:00Z").toEpochMilli();
        return new Overview(
                NOW,
                List.of(A),
                Map.of(),
                Optional.empty(),
                Optional.of(new Pause(since, until)),
                List.of(),
                List.of(),
                Optional.empty());
    }

    @Test
    void aRestartThatIsDueIsNamedWithItsCommandAndIsNoProblem() {
        Overview idle = overview(List.of(A), List.of());
        var edited = new Overview.Restart("restart due: /etc/x/environment was edited", false);
        var due =
                new Overview(
                        NOW,
                        idle.lanes(),
                        Map.of(),
                        idle.oldest(),
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        Optional.of(edited));
        assertTrue(status.summary(due).endsWith("; restart due: /etc/x/environment was edited"));
        assertTrue(
                status.text(due)
                        .containsAll(
                                List.of(
                                        "restart due: /etc/x/environment was edited",
                                        "    restart:    systemctl reload nix-post-build-hook-queue")));
        String json = StatusJson.of(due, "");
        assertTrue(
                json.contains("\"restart_due\":\"restart due: /etc/x/environment was edited\""),
                json);
        assertTrue(json.contains("\"problems\":[]"), json);
    }

    @Test
    void removedLanesAreShownButNotCounted() {
        Overview o = overview(List.of(A, DOWN, GONE), List.of());
        assertEquals(2 + 3 + 312, o.outstanding());
        assertEquals(4, o.failed());
        assertTrue(status.text(o).stream().anyMatch(line -> line.matches("ssh://c +removed .*")));
    }

    @Test
    void theTextHasProblemsFirstThenARowPerLaneThenHints() {
        assertEquals(
                """
                ssh://a: 3 deferred; ssh://"b\\ down since 14:02, next try 14:17, 312 queued; 4 failed; p"q. Mend it

                LANE       STATE     QUEUED  DEFERRED  FAILED  DELIVERED     SENT  LAST
                ssh://a    waiting        3         3       4          5   1.5 MB  never
                ssh://"b\\  down         312         0       0          7        -  2h 5min ago

                oldest path  queued 2h 5min ago

                ssh://"b\\ is down since 14:02 (3min ago), next try in 12min: no route to host …
                    try now:    nix-post-build-hook-queue retry
                3 paths are deferred; the worker retries them later
                    see why:    nix-post-build-hook-queue list
                    try now:    nix-post-build-hook-queue retry
                4 paths failed; the worker does not retry them
                    see why:    nix-post-build-hook-queue failed
                    try again:  nix-post-build-hook-queue retry
                problem: p"q
                    Mend it
                """
                        .strip(),
                String.join("\n", status.text(overview(List.of(A, DOWN), List.of(P)))));
        List<String> paused = status.text(paused(0));
        assertEquals("    resume:     nix-post-build-hook-queue resume", paused.getLast());
        assertEquals(List.of("idle"), status.text(overview(List.of(), List.of())));
    }

    @Test
    void theTimeLeftIsAnEstimateAndAbsentWithoutARate() {
        assertTrue(
                status.text(overview(List.of(A), List.of()))
                        .contains("time left    a few seconds at the current rate"));
        assertTrue(
                status.text(overview(List.of(A, DOWN), List.of())).stream()
                        .noneMatch(line -> line.startsWith("time left")),
                "nobody knows when what is down comes back");
        assertTrue(status.text(paused(0)).stream().noneMatch(l -> l.startsWith("time left")));
        assertEquals("a few seconds", Forecast.shown(Duration.ofMillis(9_999)));
        assertEquals("about 15s", Forecast.shown(Duration.ofSeconds(11)));
        assertEquals("about 1min", Forecast.shown(Duration.ofSeconds(60)));
        assertEquals("about 3min", Forecast.shown(Duration.ofSeconds(121)));
        assertEquals("about 2h 1min", Forecast.shown(Duration.ofSeconds(7_201)));
    }

    /** Its destinations never get it, unless an operator retries. */
    @Test
    void anUnsignablePathDoesNotCountForADestination() {
        LaneCounts destination = waiting("ssh://a", 2, 0, 0, 0);
        Overview failed = overview(List.of(waiting("sign", 0, 0, 1, 1), destination), List.of());
        assertEquals(Optional.empty(), Forecast.of(failed));
        assertEquals(Optional.empty(), Forecast.of(destination, failed));
        assertTrue(status.text(failed).stream().noneMatch(line -> line.startsWith("time left")));
        assertFalse(json(failed).contains("seconds_left"));
        Overview one = overview(List.of(waiting("sign", 0, 1, 0, 1), destination), List.of());
        assertEquals(Optional.of(Duration.ofMillis(100)), Forecast.of(destination, one));
    }

    @Test
    void theForecastUsesTheRunningAndTheLastBatches() {
        LaneCounts fresh = lane(30, 0, 0, new Pace(0, 0));
        assertEquals(
                Optional.of(Duration.ofSeconds(30 + 80)),
                Forecast.of(running(fresh, 10, A_QUARTER)),
                "a quarter took 10 s, and twice as much as the whole follows");
        LaneCounts known = lane(30, 0, 0, new Pace(10, 20_000));
        assertEquals(
                Optional.of(Duration.ofSeconds(30 + 40)),
                Forecast.of(running(known, 10, A_QUARTER)));
        assertEquals(Optional.of(Duration.ofSeconds(10 + 40)), Forecast.of(running(known, 10)));
        assertEquals(Optional.empty(), Forecast.of(running(fresh, 10)));
    }

    @Test
    void theJsonHasTheSameFactsAsTheText() {
        JsonObject json =
                JsonParser.parseString(json(overview(List.of(A, DOWN), List.of(P))))
                        .getAsJsonObject();
        assertEquals("2026-03-01T14:05:00Z", json.get("at").getAsString());
        assertEquals(317, json.get("queued").getAsInt());
        assertEquals(4, json.get("failed").getAsInt());
        assertEquals("2026-03-01T12:00:00Z", json.get("oldest_queued_at").getAsString());
        assertFalse(json.has("paused_since"));
        assertEquals("p\"q. Mend it", json.get("problems").getAsJsonArray().get(0).getAsString());
        JsonObject down = json.get("lanes").getAsJsonArray().get(1).getAsJsonObject();
        assertEquals("ssh://\"b\\", down.get("name").getAsString());
        assertEquals("down", down.get("state").getAsString());
        assertEquals("2026-03-01T14:02:00Z", down.get("down_since").getAsString());
        assertEquals("2026-03-01T14:17:00Z", down.get("next_try_at").getAsString());
        assertEquals("no route to host\nmore", down.get("reason").getAsString());
        assertFalse(json.has("seconds_left"), "ssh://\"b\\ is down");
        assertFalse(json(overview(List.of(A), List.of())).contains("\n"), "one line");
        JsonObject paused =
                JsonParser.parseString(json(paused(NOW.toEpochMilli()))).getAsJsonObject();
        assertEquals("2026-03-01T12:00:00Z", paused.get("paused_since").getAsString());
        assertEquals("2026-03-01T14:05:00Z", paused.get("paused_until").getAsString());
    }

    private String json(Overview o) {
        return StatusJson.of(o, status.summary(o));
    }

    private static DeliveryRow row(
            DeliveryRow.State state, int failures, String reason, boolean configured) {
        return new DeliveryRow(
                1,
                SomePaths.path(7),
                "ssh://a",
                configured,
                state,
                QUEUED_AT,
                NOW.plusSeconds(90).toEpochMilli(),
                0,
                failures,
                reason);
    }

    @Test
    void aPathIsOneLineForAnyReason() {
        String path = SomePaths.path(7).in("/nix/store");
        assertEquals(
                path + "  ssh://a  queued",
                DeliveryRowFormat.text(
                        row(DeliveryRow.State.FRESH, 0, "", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  held until it is signed",
                DeliveryRowFormat.text(
                        row(DeliveryRow.State.HELD, 0, "", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  deferred, next try in 1min 30s, 1 attempt: no | really",
                DeliveryRowFormat.text(
                        row(DeliveryRow.State.DEFERRED, 1, "no\nreally", true), "/nix/store", NOW));
        assertEquals(
                path + "  ssh://a  failed (lane removed from the settings), 3 attempts: no",
                DeliveryRowFormat.text(
                        row(DeliveryRow.State.FAILED, 3, "no", false), "/nix/store", NOW));
        JsonObject json =
                JsonParser.parseString(
                                DeliveryRowFormat.json(
                                        row(DeliveryRow.State.DEFERRED, 1, "a\n\"b", true),
                                        "/nix/store"))
                        .getAsJsonObject();
        assertEquals(path, json.get("path").getAsString());
        assertEquals("deferred", json.get("state").getAsString());
        assertEquals("2026-03-01T14:06:30Z", json.get("due_at").getAsString());
        assertEquals("a\n\"b", json.get("reason").getAsString());
    }

    @Test
    void journalAndTerminalTextIsSanitized() {
        var logger = new LoggerContext().getLogger("x");
        String hostile = "a\n<0>b\r\u0007\u001b[2J\u009b2J\u202e";
        var event =
                new LoggingEvent("x", logger, Level.INFO, "said {}", null, new Object[] {hostile});
        assertEquals(
                "<6>said a\n<6><0>b????2J?\n".replace("????2J", "???2J"),
                new Journal.Lines(true).doLayout(event));
    }

    @Test
    void everyJournalLineHasAPriority() {
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
