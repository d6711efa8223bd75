package hookqueue.report;

import com.google.gson.JsonObject;
import hookqueue.base.Text;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.ReportQueries;
import java.time.Instant;
import java.util.Locale;

/** Formats the state of a path in a lane as one line of text or one JSON object. */
public final class DeliveryRowFormat {
    private DeliveryRowFormat() {}

    /** One line: path, lane, state, and the last failure. */
    public static String text(DeliveryRow row, String storeDir, Instant now) {
        var line = new StringBuilder(row.path().in(storeDir));
        line.append("  ").append(row.lane()).append("  ").append(state(row));
        if (row.state() == DeliveryRow.State.DEFERRED) {
            line.append(", next try ").append(StatusPhrases.until(row.dueAt(), now));
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
        var json = new JsonObject();
        json.addProperty("path", row.path().in(storeDir));
        json.addProperty("lane", row.lane());
        json.addProperty("configured", row.configured());
        json.addProperty("state", row.state().name().toLowerCase(Locale.ROOT));
        json.addProperty("queued_at", Instant.ofEpochMilli(row.queuedAt()).toString());
        if (row.state() == DeliveryRow.State.DEFERRED) {
            json.addProperty("due_at", Instant.ofEpochMilli(row.dueAt()).toString());
        }
        json.addProperty("tries", row.inconclusive());
        json.addProperty("attempts", row.failures());
        if (!row.reason().isEmpty()) {
            json.addProperty("reason", row.reason());
        }
        return json.toString();
    }

    /** A remembered delivery as one JSON object. */
    public static String json(ReportQueries.Delivery delivery, String storeDir) {
        var json = new JsonObject();
        json.addProperty("path", delivery.path().in(storeDir));
        json.addProperty("lane", delivery.destination());
        json.addProperty("delivered_at", Instant.ofEpochMilli(delivery.at()).toString());
        return json.toString();
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
}
