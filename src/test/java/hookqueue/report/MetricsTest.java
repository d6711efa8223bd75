package hookqueue.report;

import static hookqueue.report.Overviews.A;
import static hookqueue.report.Overviews.DOWN;
import static hookqueue.report.Overviews.P;
import static hookqueue.report.Overviews.QUEUED_AT;
import static hookqueue.report.Overviews.overview;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Version;
import hookqueue.queue.BatchResult;
import hookqueue.queue.Histogram;
import hookqueue.queue.LaneTotal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The metrics file. */
class MetricsTest {
    @TempDir Path folder;

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

    private static void write(Path file) {
        Metrics.write(
                file,
                overview(List.of(A, DOWN), List.of(P)),
                List.of(
                        tally(
                                "ssh://a",
                                List.of(1L, 0L, 2L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 4L),
                                12_345)));
    }

    /** Other users may be able to write to the folder, and they know the file's name. */
    @Test
    void theMetricsFileIsNotWrittenThroughALinkOrIntoAFifo() throws Exception {
        Path file = folder.resolve("queue.prom");
        Path aside = folder.resolve(".queue.prom.tmp");
        Path precious = Files.writeString(folder.resolve("precious"), "precious");
        Files.setPosixFilePermissions(precious, PosixFilePermissions.fromString("rw-------"));
        Files.createSymbolicLink(aside, precious);
        write(file);
        assertEquals("precious", Files.readString(precious));
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(precious)));
        assertTrue(Files.readString(file).startsWith("# HELP"));
        Files.delete(file);
        assertEquals(0, new ProcessBuilder("mkfifo", aside.toString()).start().waitFor());
        assertTimeoutPreemptively(Duration.ofSeconds(10), () -> write(file));
        assertTrue(Files.readString(file).startsWith("# HELP"));
    }

    @Test
    void theMetricsFileIsWorldReadablePrometheusText() throws Exception {
        Path file = folder.resolve("queue.prom");
        Files.writeString(file, "old");
        write(file);
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
}
