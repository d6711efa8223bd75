package hookqueue.report;

import hookqueue.queue.BatchResult;
import hookqueue.queue.Histogram;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneTotal;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An {@link Overview} and the lanes' totals in Prometheus' text format, version 0.0.4. */
public final class Metrics {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);
    private static final String PREFIX = "nix_post_build_hook_queue_";

    private final String version;

    /**
     * @param version of this program
     */
    public Metrics(String version) {
        this.version = version;
    }

    /** The metrics, one sample a line. */
    public String text(Overview o, List<LaneTotal> tallies) {
        var text = new StringBuilder();
        head(text, "build_info", "gauge", "The version of the program that wrote this.");
        sample(text, "build_info", "version=\"" + escape(version) + "\"", "1");
        byLane(
                text,
                o,
                "queued_paths",
                "gauge",
                "Paths that are due, or wait for their signature.",
                l -> l.fresh() + l.held());
        byLane(
                text,
                o,
                "deferred_paths",
                "gauge",
                "Paths that wait for a retry.",
                LaneCounts::deferred);
        byLane(
                text,
                o,
                "failed_paths",
                "gauge",
                "Failed paths, which the worker does not retry.",
                LaneCounts::failed);
        byLane(
                text,
                o,
                "running_paths",
                "gauge",
                "Paths that running child processes carry.",
                l -> running(o, l));
        byLane(
                text,
                o,
                "running_children",
                "gauge",
                "Child processes that run now.",
                l -> children(o, l));
        byLane(
                text,
                o,
                "delivered_paths_total",
                "counter",
                "Paths delivered.",
                LaneCounts::delivered);
        byLane(
                text,
                o,
                "delivered_bytes_total",
                "counter",
                "Bytes sent, as Nix reported them.",
                LaneCounts::bytes);
        head(text, "batches_total", "counter", "Child processes that ended, by outcome.");
        for (LaneTotal tally : tallies) {
            for (Map.Entry<BatchResult.Result, Long> run : tally.runs().entrySet()) {
                String outcome = run.getKey().name().toLowerCase(Locale.ROOT);
                sample(
                        text,
                        "batches_total",
                        lane(tally.lane()) + ",outcome=\"" + outcome + "\"",
                        run.getValue().toString());
            }
        }
        histograms(
                text,
                tallies,
                "child_duration_seconds",
                "How long child processes ran, for every outcome.",
                LaneTotal::durations);
        histograms(
                text,
                tallies,
                "delivery_latency_seconds",
                "Time from queueing a path to its delivery.",
                LaneTotal::latencies);
        byLane(
                text,
                o,
                "down",
                "gauge",
                "1 while the destination is down.",
                l -> l.breaker().open() ? 1 : 0);
        byLane(
                text,
                o,
                "down_since_timestamp_seconds",
                "gauge",
                "When the destination went down, 0 while it is up.",
                l -> l.breaker().open() ? l.breaker().since() / 1_000 : 0);
        byLane(
                text,
                o,
                "next_try_timestamp_seconds",
                "gauge",
                "When the worker next tries a destination that is down, 0 while it is up.",
                l -> l.breaker().open() ? l.breaker().until() / 1_000 : 0);
        byLane(
                text,
                o,
                "last_delivery_timestamp_seconds",
                "gauge",
                "When the lane last delivered, 0 for never.",
                l -> l.lastDelivery() / 1_000);
        head(
                text,
                "oldest_queued_timestamp_seconds",
                "gauge",
                "When the oldest unsettled path was queued, 0 for none.");
        long oldest = o.oldest().map(at -> at.getEpochSecond()).orElse(0L);
        sample(text, "oldest_queued_timestamp_seconds", "", Long.toString(oldest));
        head(text, "paused", "gauge", "1 while no new batch starts.");
        sample(text, "paused", "", o.pause().isPresent() ? "1" : "0");
        head(text, "problems", "gauge", "Problems that status reports.");
        sample(text, "problems", "", Integer.toString(o.problems().size()));
        return text.toString();
    }

    private static long children(Overview o, LaneCounts lane) {
        Running running = o.running().get(lane.name());
        return running == null ? 0 : running.batches().size();
    }

    private static long running(Overview o, LaneCounts lane) {
        Running running = o.running().get(lane.name());
        return running == null ? 0 : running.paths();
    }

    /** Writes a temporary file, then renames it: node_exporter never reads half a file. */
    public void write(Path file, Overview o, List<LaneTotal> tallies) {
        Path aside = file.resolveSibling("." + file.getFileName() + ".tmp");
        try {
            // In a folder that other users can write to, the name may be a link or a FIFO.
            Files.deleteIfExists(aside);
            ByteBuffer text = StandardCharsets.UTF_8.encode(text(o, tallies));
            try (FileChannel out =
                    FileChannel.open(
                            aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                while (text.hasRemaining()) {
                    out.write(text);
                }
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

    private static void byLane(
            StringBuilder text,
            Overview o,
            String name,
            String type,
            String help,
            ToLongFunction<LaneCounts> value) {
        head(text, name, type, help);
        for (LaneCounts lane : o.lanes()) {
            sample(text, name, lane(lane.name()), Long.toString(value.applyAsLong(lane)));
        }
    }

    /** Prometheus wants cumulative buckets; the queue counts each alone. */
    private static void histograms(
            StringBuilder text,
            List<LaneTotal> tallies,
            String name,
            String help,
            Function<LaneTotal, Histogram> of) {
        head(text, name, "histogram", help);
        for (LaneTotal tally : tallies) {
            Histogram histogram = of.apply(tally);
            List<Long> bounds = histogram.kind().bounds();
            String lane = lane(tally.lane());
            long sum = 0;
            for (int i = 0; i < histogram.counts().size(); i++) {
                sum += histogram.counts().get(i);
                String bound = i < bounds.size() ? seconds(bounds.get(i)) : "+Inf";
                sample(text, name + "_bucket", lane + ",le=\"" + bound + "\"", Long.toString(sum));
            }
            sample(text, name + "_sum", lane, seconds(histogram.sumMillis()));
            sample(text, name + "_count", lane, Long.toString(sum));
        }
    }

    private static String seconds(long millis) {
        return BigDecimal.valueOf(millis, 3).stripTrailingZeros().toPlainString();
    }

    private static void head(StringBuilder text, String name, String type, String help) {
        text.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
    }

    private static void sample(StringBuilder text, String name, String labels, String value) {
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
