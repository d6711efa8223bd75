import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import hookqueue.testkit.Client;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.Tools;
import hookqueue.testkit.Wait;
import hookqueue.testkit.WorkerProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Starts and stops the workers of a script, one after another, sends them requests, and checks how they end. */
final class WorkerControl {
    private static final String ANSWERED = "the worker answered: ";

    private final ScriptRun run;
    private WorkerProcess process;

    /** Whether this worker may exit with an error. */
    private boolean mayFail;

    WorkerControl(ScriptRun run) {
        this.run = run;
    }

    /** Makes sure that a worker listens, as systemd does. */
    WorkerProcess listen() throws IOException {
        if (process == null || !process.alive()) {
            checkEnd();
            process = WorkerProcess.listen(run.world);
            mayFail = run.hostFaults.areActive();
        }
        return process;
    }

    /** A worker exits with 0 unless it was killed, or its disk or database had a fault. */
    private void checkEnd() {
        if (process != null) {
            int status = process.exit(Duration.ofSeconds(1));
            if (status != 0 && !mayFail) {
                run.breach("the worker ended by itself with " + status);
            }
        }
    }

    /** A fault begins that explains an error of this worker. */
    void mayFail() {
        mayFail = true;
    }

    boolean alive() {
        return process.alive();
    }

    String log() {
        return process.log();
    }

    /** The exit status; an exception if the worker does not end in time. */
    int exit(Duration most) {
        return process.exit(most);
    }

    /** Waits for the worker to end, whatever the reason. */
    void awaitEnd() {
        if (process.alive()) {
            process.exit(Duration.ofSeconds(30));
        }
    }

    /** Whether the idle worker exits in time. */
    boolean endsByItself(Duration most) {
        return Wait.comesTrue(most, () -> !process.alive());
    }

    /** The answer of this worker, or of the next one if this one has just exited. */
    List<String> lines(String request) throws IOException {
        listen();
        try {
            return process.lines(request);
        } catch (IOException e) {
            awaitEnd();
            listen();
            return process.lines(request);
        }
    }

    /** The answer of this worker. */
    List<String> linesOfThis(String request) throws IOException {
        return process.lines(request);
    }

    /** Whether the worker answers "ok". */
    boolean ask(String request) {
        try {
            process.ask(request);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** The last line of the answer, "ok" or "error"; without an answer the reason. */
    String answer(String request) throws IOException {
        listen();
        try (var client = new Client(run.world.socket)) {
            return client.ask(request).getLast();
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            return message.startsWith(ANSWERED) ? message.substring(ANSWERED.length()) : message;
        }
    }

    /** How many child processes a destination has, as the worker reports. */
    int children(String destination) throws IOException {
        JsonObject status = run.entries("status json").getFirst();
        for (JsonElement each : status.getAsJsonArray("lanes")) {
            JsonObject lane = each.getAsJsonObject();
            if (run.destinations.of(lane.get("name").getAsString()).equals(destination) && lane.has("running")) {
                return lane.getAsJsonObject("running").getAsJsonArray("children").size();
            }
        }
        return 0;
    }

    /** SIGKILL, as from a kernel without memory. The child processes end too: systemd would kill them. */
    void kill() throws IOException {
        mayFail = true;
        process.kill();
        Leftover.kill(run.world.dir);
    }

    /** SIGTERM. The worker must exit with 0, and leave no child process behind. */
    void terminate() throws IOException {
        if (!process.alive()) {
            return;
        }
        signal("CONT");
        signal("TERM");
        int status = process.exit(Duration.ofSeconds(60));
        // 143: before its first connection the process is systemd-socket-activate.
        if (status != 0 && status != 143 && !mayFail) {
            run.breach("SIGTERM ended the worker with " + status);
        }
        if (status == 0 && !mayFail) {
            // A killed process may take a moment to end.
            Wait.comesTrue(Duration.ofMillis(200), () -> Leftover.of(run.world.dir).isEmpty());
            List<String> children = Leftover.of(run.world.dir);
            if (!children.isEmpty()) {
                run.breach("child processes go on after SIGTERM: " + children);
            }
        }
        mayFail = true; // its end is checked
    }

    void signal(String name) throws IOException {
        if (process.alive()) {
            Tools.run("kill", "-" + name, String.valueOf(process.pid()));
        }
    }

    void close() throws IOException {
        if (process.alive()) {
            signal("CONT");
            process.kill();
        }
    }
}
