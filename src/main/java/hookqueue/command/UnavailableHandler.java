package hookqueue.command;

import hookqueue.base.Text;
import hookqueue.base.Version;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Refuses every request while the worker cannot work: wrong settings, an unusable state directory.
 * Clients get an error at once, so hooks spool. The worker stays for a while, so that systemd does
 * not restart it over and over.
 *
 * @param reason what every client is told
 * @param subject what is wrong, such as {@code settings}
 * @param mistakes each of them, for {@code check}
 */
public record UnavailableHandler(String reason, String subject, List<String> mistakes)
        implements RequestHandler {
    /** The worker exits after this time without a client. */
    public static final Duration QUIET = Duration.ofSeconds(10);

    /** The worker exits after this time in any case: the next one may find the problem fixed. */
    public static final Duration MOST = Duration.ofSeconds(30);

    public UnavailableHandler {
        reason = Text.oneLine(reason);
    }

    @Override
    public Pending enqueue(List<Request.Enqueue> requests) {
        return () -> requests.stream().map(request -> "error not queued: " + reason).toList();
    }

    @Override
    public String answer(Request request, Peer peer, Reply reply) throws IOException {
        if (request instanceof Request.Check) {
            return CheckCommand.unavailable(subject, mistakes, reply);
        }
        return request instanceof Request.Version
                ? "ok nix-post-build-hook-queue " + Version.TEXT
                : "error " + reason;
    }
}
