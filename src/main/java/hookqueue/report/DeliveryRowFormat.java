package hookqueue.report;

import com.google.gson.stream.JsonWriter;
import hookqueue.base.Durations;
import hookqueue.base.Text;
import hookqueue.queue.DeliveryRow;
import java.io.IOException;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** Formats the state of a path in a lane as one line of text or one JSON object. */
public final class DeliveryRowFormat {
    private DeliveryRowFormat() {}

    /**
     * One line: path, lane, state, and the last failure.
     *
     * @param storeDir to show whole paths
     */
    public static String text(DeliveryRow row, String storeDir, Instant now) {
        var line = new StringBuilder(row.path().in(storeDir));
        line.append("  ").append(row.lane()).append("  ").append(state(row));
        if (row.state() == DeliveryRow.State.DEFERRED) {
            line.append(", next try ").append(until(row.dueAt(), now));
        }
        if (row.failures() > 0) {
            line.append(", ")
                    .append(row.failures())
                    .append(row.failures() == 1 ? " attempt" : " attempts");
        }
        if (!row.reason().isEmpty()) {
            line.append(": ").append(Text.oneLine(row.reason()));
        }
        return line.toString();
    }

    /** One JSON object; times are RFC 3339 in UTC. */
    public static String json(DeliveryRow row, String storeDir) {
        var text = new StringWriter();
        try (var json = new JsonWriter(text)) {
            json.beginObject();
            json.name("path").value(row.path().in(storeDir));
            json.name("lane").value(row.lane());
            json.name("configured").value(row.configured());
            json.name("state").value(row.state().name().toLowerCase(Locale.ROOT));
            json.name("queued_at").value(Instant.ofEpochMilli(row.queuedAt()).toString());
            if (row.state() == DeliveryRow.State.DEFERRED) {
                json.name("due_at").value(Instant.ofEpochMilli(row.dueAt()).toString());
            }
            json.name("tries").value(row.inconclusive());
            json.name("attempts").value(row.failures());
            if (!row.reason().isEmpty()) {
                json.name("reason").value(row.reason());
            }
            json.endObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory failed", e);
        }
        return text.toString();
    }

    private static String state(DeliveryRow row) {
        String state =
                switch (row.state()) {
                    case HELD -> "held until it is signed";
                    case FRESH -> "queued";
                    case DEFERRED -> "deferred";
                    case FAILED -> "failed";
                };
        return row.configured() ? state : state + " (lane removed from the settings)";
    }

    private static String until(long due, Instant now) {
        Duration left = Duration.between(now, Instant.ofEpochMilli(due));
        return left.isNegative() ? "now" : "in " + Durations.shown(left);
    }
}
