package hookqueue.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import hookqueue.base.SomePaths;
import hookqueue.base.Version;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.BatchResult;
import hookqueue.queue.Breaker;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Histogram;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneTotal;
import hookqueue.queue.Pace;
import hookqueue.queue.Pause;
import hookqueue.systemd.Journal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reports for operators and programs, from the same facts. */
class ReportTest {
    private static final Instant NOW = Instant.parse("2026-03-01T14:05:00Z");
    private static final long QUEUED_AT = NOW.minusSeconds(7_500).toEpochMilli();
    private static final LaneCounts A =
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
                    Pace.UNKNOWN,
                    new Breaker(
                            4,
                            NOW.plusSeconds(720).toEpochMilli(),
                            NOW.minusSeconds(180).toEpochMilli(),
                            "no route to host\nmore"));
    private static final LaneCounts GONE =
            new LaneCounts("ssh://c", false, 0, 9, 0, 0, 0, 0, 0, Pace.UNKNOWN, Breaker.CLOSED);

    private final StatusText status = new StatusText(() -> ZoneOffset.UTC);

    @TempDir Path folder;

    private static final Overview.Problem P = new Overview.Problem("p\"q", "Mend it");

    private static LaneTotal tally(String lane, List<Long> durations, long sum) {
        var runs = new EnumMap<BatchResult.Result, Long>(BatchResult.Result.class);
        for (BatchResult.Result result : BatchResult.Result.values()) {
            runs.put(result, (long) result.ordinal());
        }
        return new LaneTotal(
                lane,
                runs,
                new Histogram(Histogram.Kind.CHILD, durations, sum),
                new Histogram(Histogram.Kind.LATENCY, Collections.nCopies(12, 0L), 0));
    }

    private static Overview overview(List<LaneCounts> lanes, List<Overview.Problem> problems) {
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

    private static LaneCounts waiting(
            String name, long held, long fresh, long deferred, long failed) {
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

    private static Overview running(LaneCounts lane, int paths, String... output) {
        return running(lane, batch(paths, output));
    }

    private static Lane.Batch batch(int paths, String... output) {
        var progress = new Progress();
        for (String line : output) {
            progress.accept("@nix " + line);
        }
        return new Lane.Batch(paths, NOW.minusSeconds(10), progress);
    }

    private static Overview running(LaneCounts lane, Lane.Batch... batches) {
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

    private static LaneCounts lane(long fresh, long delivered, long bytes, Pace pace) {
        return new LaneCounts(
                "s3://c", true, 0, fresh, 0, 0, delivered, bytes, 0, pace, Breaker.CLOSED);
    }

    private static final String[] A_QUARTER = {
        "{\"action\":\"start\",\"id\":1,\"type\":100,\"text\":\"\"}",
        "{\"action\":\"result\",\"id\":9,\"type\":106,\"fields\":[100,40000000]}",
        "{\"action\":\"result\",\"id\":1,\"type\":105,\"fields\":[10000000,40000000,0,0]}"
    };

    @Test
    void theForecastUsesTheRunningAndTheLastBatches() {
        LaneCounts fresh = lane(30, 0, 0, Pace.UNKNOWN);
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

    private static final String FULL_BAR = "#".repeat(40);

    @Test
    void aBarShowsTheProgressSinceTheWatchBegan() {
        Overview first = running(lane(30, 100, 5_000_000, Pace.UNKNOWN), 10);
        var bars = new ProgressBars(status, first, "");
        assertEquals(
                List.of("line\ts3://c [\tgreen\t" + "-".repeat(40) + "\t]   0% 0 of 30 paths"),
                bars.lines(first, 100, 24));
        Overview later = running(lane(20, 110, 25_000_000, new Pace(10, 20_000)), 10, A_QUARTER);
        String tail = "]  41% 10 of 30 paths, 30 MB at 1.0 MB/s, about 50s left";
        assertEquals(
                List.of("line\ts3://c [\tgreen\t" + bar(16, 40) + "\t" + tail),
                bars.lines(later, 140, 24));
        assertEquals("10 paths to s3://c (20 MB) in 0ms", bars.total(later));
        assertEquals("", bars.total(first));
        var strange = new ProgressBars(status, overview(List.of(DOWN), List.of(P)), "");
        assertEquals(
                List.of(
                        "line\tssh://\"b\\ [\tred\t"
                                + "-".repeat(40)
                                + "\t]   0% down since 14:02, next try 14:17: no route to host ...",
                        "line\tp\"q. Mend it"),
                strange.lines(overview(List.of(DOWN), List.of(P)), 140, 24));
    }

    @Test
    void eachOfSeveralChildrenHasABarBelowItsLaneInATerminalOf80Columns() {
        Overview o =
                running(
                        lane(30, 0, 0, Pace.UNKNOWN),
                        batch(10, A_QUARTER),
                        batch(1),
                        batch(19, A_QUARTER));
        var bars = new ProgressBars(status, o, "");
        List<String> lines = bars.lines(o, 80, 24);
        assertEquals(4, lines.size(), lines::toString);
        assertEquals(
                List.of(
                        "line\ts3://c      [\tgreen\t##---------\t]  25% 0 of 30 paths, 20 MB at 2.0 MB/s, about 30s left",
                        "line\t  process 1 [\tgreen\t##---------\t]  25% 10 paths, 10 MB at 1.0 MB/s",
                        "line\t  process 2 [\tgreen\t-----------\t]   0% 1 path",
                        "line\t  process 3 [\tgreen\t##---------\t]  25% 19 paths, 10 MB at 1.0 MB/s"),
                lines);
        assertEquals(4, bars.lines(o, 80, 5).size(), "the picture just fits");
        assertEquals(1, bars.lines(o, 80, 4).size(), "no room for all children, so none is shown");
        assertEquals(
                "copying 30 of 30 to s3://c, 20 MB of 80 MB at 2.0 MB/s by 3 processes",
                status.summary(o));
    }

    @Test
    void theBarsOfChildrenNeverHideAnotherLaneOrANote() {
        LaneCounts lane = lane(30, 0, 0, Pace.UNKNOWN);
        Overview o =
                new Overview(
                        NOW,
                        List.of(lane, A),
                        Map.of(lane.name(), new Running(List.of(batch(1), batch(2)))),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(P),
                        List.of(),
                        Optional.empty());
        var bars = new ProgressBars(status, o, "");
        assertEquals(6, bars.lines(o, 80, 7).size());
        List<String> small = bars.lines(o, 80, 6);
        assertEquals(4, small.size(), small::toString);
        assertTrue(small.get(1).contains(A.name()), small::toString);
        assertTrue(small.getLast().contains("Mend it"), small::toString);
    }

    private static String bar(int done, int all) {
        return "#".repeat(done) + "-".repeat(all - done);
    }

    @Test
    void barsFillATerminalAndNeverExceedIt() {
        Overview o = running(lane(20, 110, 25_000_000, new Pace(10, 20_000)), 10, A_QUARTER);
        for (int columns = 20; columns < 200; columns++) {
            int width = columns;
            for (String line : new ProgressBars(status, o, "").lines(o, columns, 24)) {
                String[] parts = line.split("\t");
                int length = parts[1].length() + parts[3].length() + parts[4].length();
                assertTrue(length < width, () -> width + ": " + line);
            }
        }
        List<LaneCounts> many = Collections.nCopies(50, lane(0, 1, 1, Pace.UNKNOWN));
        Overview tall = overview(many, List.of(P));
        assertEquals(9, new ProgressBars(status, tall, "").lines(tall, 80, 10).size());
        assertEquals(
                "line\ts3://c [\tnone\t" + FULL_BAR + "\t] 100% 0 of 0 paths",
                new ProgressBars(status, tall, "").lines(tall, 80, 10).getFirst());
        assertEquals(
                "line\ts3://c [\tgreen\t#---------\t]  12% 0 of 20 paths, 10 ",
                new ProgressBars(status, o, "").lines(o, 44, 10).getFirst());
    }

    @Test
    void aRepeatedWatchContinuesFromItsBeginning() {
        Overview first = running(lane(30, 100, 5_000_000, Pace.UNKNOWN), 10);
        String since = new ProgressBars(status, first, "").since();
        assertEquals(NOW.toEpochMilli() + ",100,5000000", since);
        Overview later = running(lane(15, 115, 25_000_000, Pace.UNKNOWN), 5);
        var again = new ProgressBars(status, later, since);
        assertTrue(again.lines(later, 100, 24).getFirst().contains("]  50% 15 of 30 paths, 20 MB"));
        assertEquals(since, again.since());
        for (String wrong :
                List.of("", "x", "1,2", "1,2,3,4,5", "1,-2,3", since + ",", "1,116,0")) {
            assertTrue(
                    new ProgressBars(status, later, wrong)
                            .lines(later, 100, 24)
                            .getFirst()
                            .contains("]   0% 0 of 15 paths"),
                    wrong);
        }
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

    /** Other users may be able to write to the folder, and they know the file's name. */
    @Test
    void theMetricsFileIsNotWrittenThroughALinkOrIntoAFifo() throws Exception {
        Path file = folder.resolve("queue.prom");
        Path aside = folder.resolve(".queue.prom.tmp");
        Path precious = Files.writeString(folder.resolve("precious"), "precious");
        Files.setPosixFilePermissions(precious, PosixFilePermissions.fromString("rw-------"));
        Files.createSymbolicLink(aside, precious);
        Metrics.write(
                file,
                overview(List.of(A, DOWN), List.of(P)),
                List.of(
                        tally(
                                "ssh://a",
                                List.of(1L, 0L, 2L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 4L),
                                12_345)));
        assertEquals("precious", Files.readString(precious));
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(precious)));
        assertTrue(Files.readString(file).startsWith("# HELP"));
        Files.delete(file);
        assertEquals(0, new ProcessBuilder("mkfifo", aside.toString()).start().waitFor());
        assertTimeoutPreemptively(
                Duration.ofSeconds(10),
                () -> {
                    Metrics.write(
                            file,
                            overview(List.of(A, DOWN), List.of(P)),
                            List.of(
                                    tally(
                                            "ssh://a",
                                            List.of(1L, 0L, 2L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 4L),
                                            12_345)));
                });
        assertTrue(Files.readString(file).startsWith("# HELP"));
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
    void theMetricsFileIsWorldReadablePrometheusText() throws Exception {
        Path file = folder.resolve("queue.prom");
        Files.writeString(file, "old");
        Metrics.write(
                file,
                overview(List.of(A, DOWN), List.of(P)),
                List.of(
                        tally(
                                "ssh://a",
                                List.of(1L, 0L, 2L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 4L),
                                12_345)));
        List<String> lines = Files.readAllLines(file);
        for (String expected :
                List.of(
                        "nix_post_build_hook_queue_build_info{version=\"" + Version.TEXT + "\"} 1",
                        "nix_post_build_hook_queue_queued_paths{lane=\"ssh://a\"} 3",
                        "nix_post_build_hook_queue_deferred_paths{lane=\"ssh://a\"} 3",
                        "nix_post_build_hook_queue_failed_paths{lane=\"ssh://a\"} 4",
                        "nix_post_build_hook_queue_delivered_paths_total{lane=\"ssh://a\"} 5",
                        "nix_post_build_hook_queue_delivered_bytes_total{lane=\"ssh://a\"} 1500000",
                        "nix_post_build_hook_queue_down{lane=\"ssh://\\\"b\\\\\"} 1",
                        "nix_post_build_hook_queue_oldest_queued_timestamp_seconds "
                                + QUEUED_AT / 1_000,
                        "nix_post_build_hook_queue_batches_total{lane=\"ssh://a\",outcome=\"refused\"} 1",
                        "nix_post_build_hook_queue_child_duration_seconds_bucket{lane=\"ssh://a\",le=\"0.1\"} 1",
                        "nix_post_build_hook_queue_child_duration_seconds_bucket{lane=\"ssh://a\",le=\"1\"} 3",
                        "nix_post_build_hook_queue_child_duration_seconds_bucket{lane=\"ssh://a\",le=\"3600\"} 3",
                        "nix_post_build_hook_queue_child_duration_seconds_bucket{lane=\"ssh://a\",le=\"+Inf\"} 7",
                        "nix_post_build_hook_queue_child_duration_seconds_sum{lane=\"ssh://a\"} 12.345",
                        "nix_post_build_hook_queue_child_duration_seconds_count{lane=\"ssh://a\"} 7",
                        "nix_post_build_hook_queue_delivery_latency_seconds_count{lane=\"ssh://a\"} 0",
                        "nix_post_build_hook_queue_down_since_timestamp_seconds{lane=\"ssh://a\"} 0",
                        "nix_post_build_hook_queue_running_paths{lane=\"ssh://a\"} 0",
                        "nix_post_build_hook_queue_paused 0",
                        "nix_post_build_hook_queue_problems 1")) {
            assertTrue(lines.contains(expected), () -> expected + " in " + lines);
        }
        for (String line : lines) {
            if (!line.startsWith("#")) {
                String name = line.split("[{ ]")[0].replaceAll("_(bucket|sum|count)$", "");
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
