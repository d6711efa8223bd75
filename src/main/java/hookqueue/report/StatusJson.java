package hookqueue.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import hookqueue.nix.Progress;
import hookqueue.queue.LaneCounts;
import java.time.Instant;
import java.util.List;
import java.util.function.Function;

/**
 * An {@link Overview} for programs: one JSON object in one line; docs/protocol.md describes its
 * fields. Times are RFC 3339 in UTC; a field without a value is absent.
 */
public final class StatusJson {
    private StatusJson() {}

    /** The whole object. */
    public static String of(Overview o, String summary) {
        var json = new JsonObject();
        json.addProperty("at", time(o.at().toEpochMilli()));
        json.addProperty("summary", summary);
        json.addProperty("queued", o.outstanding());
        json.addProperty("failed", o.failed());
        o.oldest().ifPresent(at -> json.addProperty("oldest_queued_at", at.toString()));
        o.pause()
                .ifPresent(pause -> {
                    json.addProperty("paused_since", time(pause.since()));
                    if (pause.ends()) {
                        json.addProperty("paused_until", time(pause.until()));
                    }
                });
        Forecast.of(o).ifPresent(left -> json.addProperty("seconds_left", left.toSeconds()));
        o.restart().ifPresent(restart -> json.addProperty("restart_due", restart.what()));
        json.add("problems", array(o.problems(), problem -> new JsonPrimitive(problem.text())));
        json.add("hints", array(o.hints(), hint -> new JsonPrimitive(hint.text())));
        json.add("lanes", array(o.lanes(), lane -> lane(lane, o)));
        return json.toString();
    }

    private static <T> JsonArray array(List<T> values, Function<T, JsonElement> convert) {
        var array = new JsonArray();
        values.forEach(value -> array.add(convert.apply(value)));
        return array;
    }

    private static JsonObject lane(LaneCounts lane, Overview o) {
        var json = new JsonObject();
        json.addProperty("name", lane.name());
        json.addProperty("configured", lane.configured());
        json.addProperty("state", StatusPhrases.state(lane, o));
        json.addProperty("held", lane.held());
        json.addProperty("queued", lane.fresh());
        json.addProperty("deferred", lane.deferred());
        json.addProperty("failed", lane.failed());
        json.addProperty("delivered", lane.delivered());
        json.addProperty("bytes", lane.bytes());
        if (lane.lastDelivery() > 0) {
            json.addProperty("last_delivery_at", time(lane.lastDelivery()));
        }
        Forecast.of(lane, o).ifPresent(left -> json.addProperty("seconds_left", left.toSeconds()));
        if (lane.breaker().open()) {
            json.addProperty("down_since", time(lane.breaker().since()));
            json.addProperty("next_try_at", time(lane.breaker().until()));
            json.addProperty("reason", lane.breaker().reason());
        }
        Running running = o.running().get(lane.name());
        if (running != null) {
            JsonObject all = progress(running);
            all.add(
                    "children",
                    array(running.batches(), batch -> progress(new Running(List.of(batch)))));
            json.add("running", all);
        }
        return json;
    }

    private static JsonObject progress(Running running) {
        Progress.Snapshot progress = running.progress();
        var json = new JsonObject();
        json.addProperty("paths", running.paths());
        json.addProperty("since", time(running.since().toEpochMilli()));
        json.addProperty("copied_paths", progress.paths());
        json.addProperty("copied_bytes", progress.bytes());
        json.addProperty("expected_bytes", progress.bytesExpected());
        return json;
    }

    private static String time(long millis) {
        return Instant.ofEpochMilli(millis).toString();
    }
}
