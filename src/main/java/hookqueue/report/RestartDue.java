package hookqueue.report;

import hookqueue.delivery.Drain;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Whether the worker restarts soon, or should, because its settings were edited.
 *
 * @param edited the first file of the settings that was edited since the start
 */
public record RestartDue(Drain drain, Supplier<Optional<String>> edited) {
    /** The restart that is due, if one is. */
    Optional<Overview.Restart> look() {
        return drain.hasBegun()
                ? Optional.of(new Overview.Restart(waiting(), true))
                : edited.get()
                        .map(file ->
                                new Overview.Restart(
                                        "restart due: " + file + " was edited", false));
    }

    /** Begins the restart; returns what it waits for. */
    public String request() {
        drain.begin();
        return waiting();
    }

    private String waiting() {
        int running = drain.running();
        return "restart due: waits for "
                + running
                + (running == 1 ? " running copy" : " running copies");
    }
}
