package hookqueue.command;

import hookqueue.base.Text;
import hookqueue.base.Version;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler;
import java.time.Duration;
import java.util.List;

/**
 * The answers of a worker that cannot work: wrong settings, a state directory that it cannot use.
 * Clients are told at once, so that the hook spools, and the worker stays for a while so that
 * systemd does not start it over and over.
 */
public final class UnavailableHandler implements RequestHandler {
    /** How long nobody must have asked before the worker gives up. */
    public static final Duration QUIET = Duration.ofSeconds(10);

    /**
     * How long it refuses at most, however many ask: the next worker sees whether there is room
     * again, or reads the settings anew.
     */
    public static final Duration MOST = Duration.ofSeconds(30);

    private final String reason;

    public UnavailableHandler(String reason) {
        this.reason = Text.oneLine(reason);
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
