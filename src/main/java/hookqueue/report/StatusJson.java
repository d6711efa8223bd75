package hookqueue.report;

import com.google.gson.stream.JsonWriter;
import hookqueue.delivery.Lane;
import hookqueue.nix.Progress;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pause;
import java.io.IOException;
import java.io.StringWriter;
import java.time.Instant;
import java.util.List;

/**
 * An {@link Overview} for programs: one JSON object in one line; docs/protocol.md describes its
 * fields. Times are RFC 3339 in UTC; a field without a value is absent.
 */
public final class StatusJson {
    private StatusJson() {}

    /**
     * The whole object.
     *
     * @param summary {@link StatusText#summary}
     */
    public static String of(Overview o, String summary) {
        var text = new StringWriter();
        try (var json = new JsonWriter(text)) {
            json.beginObject();
            json.name("at").value(time(o.at().toEpochMilli()));
            json.name("summary").value(summary);
            json.name("queued").value(o.outstanding());
            json.name("failed").value(o.failed());
            if (o.oldest().isPresent()) {
                json.name("oldest_queued_at").value(time(o.oldest().get().toEpochMilli()));
            }
            if (o.pause().isPresent()) {
                pause(json, o.pause().get());
            }
            var left = Forecast.of(o);
            if (left.isPresent()) {
                json.name("seconds_left").value(left.get().toSeconds());
            }
            if (o.restart().isPresent()) {
                json.name("restart_due").value(o.restart().get().what());
            }
            json.name("problems").beginArray();
            for (Overview.Problem problem : o.problems()) {
                json.value(problem.text());
            }
            json.endArray();
            json.name("hints").beginArray();
            for (Overview.Problem hint : o.hints()) {
                json.value(hint.text());
            }
            json.endArray();
            json.name("lanes").beginArray();
            for (LaneCounts lane : o.lanes()) {
                lane(json, lane, o);
            }
            json.endArray();
            json.endObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory failed", e);
        }
        return text.toString();
    }

    private static void pause(JsonWriter json, Pause pause) throws IOException {
        json.name("paused_since").value(time(pause.since()));
        if (pause.ends()) {
            json.name("paused_until").value(time(pause.until()));
        }
    }

    private static void lane(JsonWriter json, LaneCounts lane, Overview o) throws IOException {
        json.beginObject();
        json.name("name").value(lane.name());
        json.name("configured").value(lane.configured());
        json.name("state").value(StatusPhrases.state(lane, o));
        json.name("held").value(lane.held());
        json.name("queued").value(lane.fresh());
        json.name("deferred").value(lane.deferred());
        json.name("failed").value(lane.failed());
        json.name("delivered").value(lane.delivered());
        json.name("bytes").value(lane.bytes());
        if (lane.lastDelivery() > 0) {
            json.name("last_delivery_at").value(time(lane.lastDelivery()));
        }
        var left = Forecast.of(lane, o);
        if (left.isPresent()) {
            json.name("seconds_left").value(left.get().toSeconds());
        }
        if (lane.breaker().open()) {
            json.name("down_since").value(time(lane.breaker().since()));
            json.name("next_try_at").value(time(lane.breaker().until()));
            json.name("reason").value(lane.breaker().reason());
        }
        Running running = o.running().get(lane.name());
        if (running != null) {
            json.name("running").beginObject();
            progress(json, running);
            json.name("children").beginArray();
            for (Lane.Batch batch : running.batches()) {
                json.beginObject();
                progress(json, new Running(List.of(batch)));
                json.endObject();
            }
            json.endArray();
            json.endObject();
        }
        json.endObject();
    }

    private static void progress(JsonWriter json, Running running) throws IOException {
        Progress.Snapshot progress = running.progress();
        json.name("paths").value(running.paths());
        json.name("since").value(time(running.since().toEpochMilli()));
        json.name("copied_paths").value(progress.paths());
        json.name("copied_bytes").value(progress.bytes());
        json.name("expected_bytes").value(progress.bytesExpected());
    }

    private static String time(long millis) {
        return Instant.ofEpochMilli(millis).toString();
    }
}
