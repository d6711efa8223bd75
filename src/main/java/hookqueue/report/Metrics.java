package hookqueue.report;

import hookqueue.base.Version;
import hookqueue.delivery.Lane;
import hookqueue.queue.Histogram;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneTotal;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An {@link Overview} and the lanes' totals in Prometheus' text format, version 0.0.4. */
public final class Metrics {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);
    private static final String PREFIX = "nix_post_build_hook_queue_";

    private final StringBuilder text = new StringBuilder();
    private final Overview overview;

    private Metrics(Overview overview) {
        this.overview = overview;
    }

    /** The metrics, one sample a line. */
    public static String text(Overview o, List<LaneTotal> totals) {
        var metrics = new Metrics(o);
        metrics.all(totals);
        return metrics.text.toString();
    }

    private void all(List<LaneTotal> totals) {
        head("build_info", "gauge", "The version of the program that wrote this.");
        sample("build_info", "version=\"" + escape(Version.TEXT) + "\"", "1");
        gauge(
                "queued_paths",
                "Paths that are due, or wait for their signature.",
                l -> l.fresh() + l.held());
        gauge("deferred_paths", "Paths that wait for a retry.", LaneCounts::deferred);
        gauge("failed_paths", "Failed paths, which the worker does not retry.", LaneCounts::failed);
        gauge(
                "running_paths",
                "Paths that running child processes carry.",
                l -> running(l).mapToLong(Lane.Batch::paths).sum());
        gauge("running_children", "Child processes that run now.", l -> running(l).count());
        byLane("delivered_paths_total", "counter", "Paths delivered.", LaneCounts::delivered);
        byLane(
                "delivered_bytes_total",
                "counter",
                "Bytes sent, as Nix reported them.",
                LaneCounts::bytes);
        head("batches_total", "counter", "Child processes that ended, by outcome.");
        for (LaneTotal total : totals) {
            total.runs()
                    .forEach((result, count) -> {
                        String outcome = result.name().toLowerCase(Locale.ROOT);
                        String labels = lane(total.lane()) + ",outcome=\"" + outcome + "\"";
                        sample("batches_total", labels, count.toString());
                    });
        }
        histograms(
                totals,
                "child_duration_seconds",
                "How long child processes ran, for every outcome.",
                LaneTotal::durations);
        histograms(
                totals,
                "delivery_latency_seconds",
                "Time from queueing a path to its delivery.",
                LaneTotal::latencies);
        gauge("down", "1 while the destination is down.", l -> l.breaker().open() ? 1 : 0);
        gauge(
                "down_since_timestamp_seconds",
                "When the destination went down, 0 while it is up.",
                l -> l.breaker().open() ? l.breaker().since() / 1_000 : 0);
        gauge(
                "next_try_timestamp_seconds",
                "When the worker next tries a destination that is down, 0 while it is up.",
                l -> l.breaker().open() ? l.breaker().until() / 1_000 : 0);
        gauge(
                "last_delivery_timestamp_seconds",
                "When the lane last delivered, 0 for never.",
                l -> l.lastDelivery() / 1_000);
        one(
                "oldest_queued_timestamp_seconds",
                "When the oldest unsettled path was queued, 0 for none.",
                overview.oldest().map(Instant::getEpochSecond).orElse(0L));
        one("paused", "1 while no new batch starts.", overview.pause().isPresent() ? 1 : 0);
        one("problems", "Problems that status reports.", overview.problems().size());
    }

    private Stream<Lane.Batch> running(LaneCounts lane) {
        Running running = overview.running().get(lane.name());
        return running == null ? Stream.empty() : running.batches().stream();
    }

    private void one(String name, String help, long value) {
        head(name, "gauge", help);
        sample(name, "", Long.toString(value));
    }

    private void gauge(String name, String help, ToLongFunction<LaneCounts> value) {
        byLane(name, "gauge", help, value);
    }

    private void byLane(String name, String type, String help, ToLongFunction<LaneCounts> value) {
        head(name, type, help);
        for (LaneCounts lane : overview.lanes()) {
            sample(name, lane(lane.name()), Long.toString(value.applyAsLong(lane)));
        }
    }

    /** Writes a temporary file, then renames it: node_exporter never reads half a file. */
    public static void write(Path file, Overview o, List<LaneTotal> totals) {
        Path aside = file.resolveSibling("." + file.getFileName() + ".tmp");
        try {
            // In a folder that other users can write to, the name may be a link or a FIFO.
            Files.deleteIfExists(aside);
            byte[] text = text(o, totals).getBytes(StandardCharsets.UTF_8);
            try (FileChannel out =
                    FileChannel.open(
                            aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                Channels.newOutputStream(out).write(text);
                out.force(true); // else a power loss may leave an empty file
            }
            Files.getFileAttributeView(
                            aside, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setPermissions(PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("cannot write the metrics file {}: {}", file, e.toString());
        }
    }

    /** Prometheus wants cumulative buckets; the queue counts each alone. */
    private void histograms(
            List<LaneTotal> totals, String name, String help, Function<LaneTotal, Histogram> of) {
        head(name, "histogram", help);
        for (LaneTotal total : totals) {
            Histogram histogram = of.apply(total);
            List<Long> bounds = histogram.kind().bounds();
            String lane = lane(total.lane());
            long sum = 0;
            for (int i = 0; i < histogram.counts().size(); i++) {
                sum += histogram.counts().get(i);
                String bound = i < bounds.size() ? seconds(bounds.get(i)) : "+Inf";
                sample(name + "_bucket", lane + ",le=\"" + bound + "\"", Long.toString(sum));
            }
            sample(name + "_sum", lane, seconds(histogram.sumMillis()));
            sample(name + "_count", lane, Long.toString(sum));
        }
    }

    private static String seconds(long millis) {
        return BigDecimal.valueOf(millis, 3).stripTrailingZeros().toPlainString();
    }

    private void head(String name, String type, String help) {
        text.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
    }

    private void sample(String name, String labels, String value) {
        text.append(PREFIX).append(name);
        if (!labels.isEmpty()) {
            text.append('{').append(labels).append('}');
        }
        text.append(' ').append(value).append('\n');
    }

    private static String lane(String name) {
        return "lane=\"" + escape(name) + "\"";
    }

    private static String escape(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
