package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real worker with busy slots: its memory, and what it shows of its child processes. */
@Timeout(120)
class SlotsIT {
    private static final int SLOTS = 16;
    private static final long MOST_KB = 128 * 1024;

    private World scratch;
    private FakeNix nix;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        nix = new FakeNix(scratch);
        nix.set("slow", FakeNix.Mode.PACED);
        scratch.set("NPBHQ_UPLOAD_TO", "http://localhost/slow").set("NPBHQ_PARALLEL", SLOTS);
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    private JsonObject status(WorkerProcess worker) throws IOException {
        return JsonParser.parseString(worker.lines("status json").getFirst()).getAsJsonObject();
    }

    /** The children of the destination's lane that run now. */
    private JsonArray children(WorkerProcess worker) throws IOException {
        JsonObject lane = status(worker).getAsJsonArray("lanes").get(0).getAsJsonObject();
        return lane.has("running")
                ? lane.getAsJsonObject("running").getAsJsonArray("children")
                : new JsonArray();
    }

    @Test
    void aWorkerWithSixteenBusySlotsStaysSmall() throws Exception {
        try (WorkerProcess worker = WorkerProcess.start(scratch)) {
            worker.ask(String.join(" ", scratch.made("p", 20 * SLOTS)));
            World.eventually(
                    Duration.ofSeconds(60),
                    "every slot sends something",
                    () -> children(worker).size() == SLOTS && worker.children() >= SLOTS);
            long most = 0;
            while (children(worker).size() == SLOTS) {
                most = Math.max(most, Proc.status(worker.pid(), "VmRSS"));
                World.pause(200);
            }
            long peak = Proc.status(worker.pid(), "VmHWM");
            System.out.printf(
                    "%d busy slots: %d MB resident, at most %d MB since the start%n",
                    SLOTS, most / 1024, peak / 1024);
            assertTrue(most > 0, "measured while they were busy");
            assertTrue(peak < MOST_KB, () -> peak + " kB resident");
            assertEquals("ok", worker.ask("wait"), worker::log);
        }
    }

    @Test
    void aDestinationThatIsAsSlowAsXzGetsAHintOnceABatchHasShownIt() throws Exception {
        try (WorkerProcess worker = WorkerProcess.start(scratch)) {
            worker.ask(scratch.made("p", 1).getFirst());
            World.eventually(
                    Duration.ofSeconds(60), "it is sent", () -> children(worker).size() == 1);
            assertEquals(0, status(worker).getAsJsonArray("hints").size(), "not measured yet");
            assertEquals("ok", worker.ask("wait"), worker::log);
            String hint = status(worker).getAsJsonArray("hints").get(0).getAsString();
            assertTrue(hint.contains("add compression=zstd"), hint);
            String text = String.join("\n", worker.lines("status"));
            assertTrue(text.contains("hint: http://"), text);
            assertFalse(text.startsWith("hint"), text);
        }
    }
}
