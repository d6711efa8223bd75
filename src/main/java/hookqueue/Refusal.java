package hookqueue;

import hookqueue.intake.Answers;
import hookqueue.intake.Peer;
import hookqueue.intake.Reply;
import hookqueue.intake.Request;
import java.time.Duration;
import java.util.List;

/**
 * The answers of a worker that cannot work: wrong settings, a state directory that it cannot use.
 * Clients are told at once, so that the hook spools, and the worker stays for a while so that
 * systemd does not start it over and over.
 */
final class Refusal implements Answers {
    /** How long nobody must have asked before the worker gives up. */
    static final Duration QUIET = Duration.ofSeconds(10);

    /**
     * How long it refuses at most, however many ask: the next worker sees whether there is room
     * again, or reads the settings anew.
     */
    static final Duration MOST = Duration.ofSeconds(30);

    private final String reason;

    Refusal(String reason) {
        this.reason = Verbs.oneLine(reason);
    }

    @Override
    public Pending enqueue(List<Request.Enqueue> requests) {
        return () -> requests.stream().map(request -> "error not queued: " + reason).toList();
    }

    @Override
    public String answer(Request request, Peer peer, Reply reply) {
        return request instanceof Request.Version
                ? "ok nix-post-build-hook-queue " + Version.TEXT
                : "error " + reason;
    }
}
