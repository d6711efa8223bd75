package hookqueue.protocol;

import java.util.List;

/**
 * The one list of the protocol's words, in the order of the help. The client's usage, the shell
 * completions and the manual page must agree with it; a test compares them (src/test/sh/words.sh).
 */
public final class Help {
    private Help() {}

    /**
     * One line of the help.
     *
     * @param syntax the request, with its arguments
     * @param summary what it does, in the form of an order or a noun
     */
    public record Entry(String syntax, String summary) {
        /** The first word of the request, or {@code PATH}. */
        public String word() {
            return syntax.split(" ", 2)[0];
        }
    }

    /** Every request, one line each. */
    public static final List<Entry> ENTRIES =
            List.of(
                    new Entry(
                            "PATH [PATH…]",
                            "queue store paths; returns once they are on disk and rooted"),
                    new Entry("queue [tag=T] PATH…", "queue store paths with a tag to wait for"),
                    new Entry("status [json]", "lanes, running copies, problems and what to do"),
                    new Entry("list [json]", "unsettled paths, one line for each lane"),
                    new Entry("failed [json]", "failed paths, with the reason"),
                    new Entry(
                            "wait [timeout=D] [tag=T | PATH…]",
                            "wait until these paths (or all) are settled; error if one failed"),
                    new Entry("watch [json]", "progress until the queue is empty"),
                    new Entry("retry [PATH…]", "make failed and deferred paths due now"),
                    new Entry("drop PATH…", "forget paths"),
                    new Entry(
                            "drop destination=NAME",
                            "forget all paths that wait for a destination"),
                    new Entry(
                            "verify [PATH…]",
                            "ask every destination for these paths, or all; send missing ones"),
                    new Entry(
                            "check [--upload]",
                            "test settings, keys, Nix, hook and destinations; upload a tiny path"),
                    new Entry(
                            "history [json] [PATH…]",
                            "what was delivered where and when, the newest last"),
                    new Entry("pause [D]", "start no new batch, for a duration or until resume"),
                    new Entry("resume", "start batches again"),
                    new Entry(
                            "reload", "restart with new settings when the running copies are done"),
                    new Entry("explain PATH", "the state of a path, and why"),
                    new Entry("metrics", "metrics as Prometheus text"),
                    new Entry("help", "the requests that the running worker understands"),
                    new Entry("version", "the version of the running worker"));
}
