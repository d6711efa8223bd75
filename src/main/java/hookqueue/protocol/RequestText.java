package hookqueue.protocol;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import java.util.List;

/** A request as a client writes it, without its options, for a log message. */
public final class RequestText {
    private RequestText() {}

    /** One safe line; of several paths it has the first. */
    public static String of(Request request, String storeDir) {
        return Text.quoted(
                switch (request) {
                    case Request.Enqueue enqueue -> with("queue", enqueue.paths(), storeDir);
                    case Request.Status status -> "status";
                    case Request.Listing listing -> "list";
                    case Request.Failures failures -> "failed";
                    case Request.Wait wait ->
                            wait.tag() == null
                                    ? with("wait", wait.paths(), storeDir)
                                    : "wait tag=" + wait.tag();
                    case Request.Watch watch -> "watch";
                    case Request.Verify verify -> with("verify", verify.paths(), storeDir);
                    case Request.Check check -> "check";
                    case Request.History history -> with("history", history.paths(), storeDir);
                    case Request.Retry retry -> with("retry", retry.paths(), storeDir);
                    case Request.Drop drop -> with("drop", drop.paths(), storeDir);
                    case Request.DropDestination drop ->
                            "drop " + Request.DESTINATION + drop.name();
                    case Request.Pause pause -> "pause";
                    case Request.Resume resume -> "resume";
                    case Request.Reload reload -> "reload";
                    case Request.Explain explain ->
                            with("explain", List.of(explain.path()), storeDir);
                    case Request.Metrics metrics -> "metrics";
                    case Request.Help help -> "help";
                    case Request.Version version -> "version";
                    case Request.Bad bad -> "an invalid line";
                });
    }

    private static String with(String verb, List<StorePath> paths, String storeDir) {
        if (paths.isEmpty()) {
            return verb;
        }
        String first = verb + " " + paths.getFirst().in(storeDir);
        return paths.size() == 1 ? first : first + " and " + (paths.size() - 1) + " more";
    }
}
