package hookqueue.report;

import hookqueue.queue.LaneCounts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An {@link Overview} in Prometheus' text format, version 0.0.4. */
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
    public String text(Overview o) {
        var text = new StringBuilder();
        head(text, "build_info", "gauge", "The version of the program that wrote this.");
        text.append(PREFIX)
                .append("build_info{version=\"")
                .append(escape(version))
                .append("\"} 1\n");
        byLane(
                text,
                o,
                "queued_paths",
                "gauge",
                "Paths that are due, or wait to be signed.",
                l -> l.fresh() + l.held());
        byLane(
                text,
                o,
                "deferred_paths",
                "gauge",
                "Paths that have failed and wait for another try.",
                LaneCounts::deferred);
        byLane(
                text,
                o,
                "failed_paths",
                "gauge",
                "Paths that are not tried again by themselves.",
                LaneCounts::failed);
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
        byLane(
                text,
                o,
                "down",
                "gauge",
                "1 while the destination is taken to be down.",
                l -> l.breaker().open() ? 1 : 0);
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
        text.append(PREFIX)
                .append("oldest_queued_timestamp_seconds ")
                .append(o.oldest().map(at -> at.getEpochSecond()).orElse(0L))
                .append('\n');
        head(text, "paused", "gauge", "1 while no new batch starts.");
        text.append(PREFIX)
                .append("paused ")
                .append(o.pausedSince().isPresent() ? 1 : 0)
                .append('\n');
        head(text, "problems", "gauge", "Problems that status reports.");
        text.append(PREFIX).append("problems ").append(o.problems().size()).append('\n');
        return text.toString();
    }

    /** Writes them for node_exporter's textfile collector: aside, then renamed. */
    public void write(Path file, Overview o) {
        Path aside = file.resolveSibling("." + file.getFileName() + ".tmp");
        try {
            Files.write(aside, text(o).getBytes(StandardCharsets.UTF_8));
            Files.setPosixFilePermissions(aside, PosixFilePermissions.fromString("rw-r--r--"));
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
            text.append(PREFIX)
                    .append(name)
                    .append("{lane=\"")
                    .append(escape(lane.name()))
                    .append("\"} ")
                    .append(value.applyAsLong(lane))
                    .append('\n');
        }
    }

    private static void head(StringBuilder text, String name, String type, String help) {
        text.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
    }

    private static String escape(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
