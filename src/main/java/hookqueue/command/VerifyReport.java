package hookqueue.command;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.delivery.DestinationCheck;
import hookqueue.protocol.Reply;
import hookqueue.queue.VerifyStore.Counts;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The lines of {@code verify}, for the client and for the journal. */
final class VerifyReport {
    private static final Logger LOG = LoggerFactory.getLogger(VerifyReport.class);

    private final Reply reply;
    private final String storeDir;
    private final List<Part> parts = new ArrayList<>();

    VerifyReport(Reply reply, String storeDir) {
        this.reply = reply;
        this.storeDir = storeDir;
    }

    /** What one destination's part came to: counts, and why it is not complete (or empty). */
    record Part(Counts counts, long undelivered, String trouble) {}

    /** Names what a batch showed, to the client and in the journal. */
    void batch(String name, DestinationCheck.Answer.Checked checked) throws IOException {
        if (checked.sent() > 0) {
            LOG.warn("{}: had lost {} paths, sent again", name, checked.sent());
        }
        for (String sent : checked.names()) {
            reply.data(name + ": was missing, sent again: " + storeDir + "/" + sent);
        }
        if (checked.sent() > checked.names().size()) {
            reply.data(name + ": and " + (checked.sent() - checked.names().size()) + " more");
        }
        for (StorePath path : checked.lost()) {
            LOG.error("{}: lost {}, which is gone here too", name, path);
            reply.data(name + ": lost, and gone from the local store: " + path.in(storeDir));
        }
        if (!checked.refused().isEmpty()) {
            int count = checked.refused().size();
            LOG.warn("{}: {} paths queued again", name, count, checked.refused());
            reply.data(
                    "%s: queued again: %s paths, something of which is missing: %s"
                            .formatted(name, count, Text.oneLine(checked.reason())));
        }
    }

    /** Sums up what a destination has. */
    void part(String name, Part part) throws IOException {
        Counts counts = part.counts();
        var line = new StringBuilder(name).append(": checked ").append(counts.checked());
        line.append(", sent again ").append(counts.sent());
        append(line, ", queued again ", counts.queued());
        append(line, ", lost ", counts.lost());
        append(line, ", not delivered yet ", part.undelivered());
        if (!part.trouble().isEmpty()) {
            line.append("; not asked for the rest: ").append(part.trouble());
        }
        reply.data(line.toString());
        reply.flush();
        parts.add(part);
    }

    /** Whether every remembered delivery was checked. */
    boolean isComplete() {
        return parts.stream().allMatch(part -> part.counts().done());
    }

    /** The last line of the reply. */
    String summary() {
        long sent = parts.stream().mapToLong(part -> part.counts().sent()).sum();
        long queued = parts.stream().mapToLong(part -> part.counts().queued()).sum();
        long lost = parts.stream().mapToLong(part -> part.counts().lost()).sum();
        long undelivered = parts.stream().mapToLong(Part::undelivered).sum();
        long unasked = parts.stream().filter(part -> !part.trouble().isEmpty()).count();
        boolean all = queued + lost + undelivered + unasked == 0;
        var line = new StringBuilder(all ? "ok all is there" : "error not everything is there");
        append(line, "; sent again: ", sent);
        append(line, "; queued again: ", queued);
        append(line, "; lost: ", lost);
        append(line, "; not delivered yet: ", undelivered);
        append(line, "; destinations that could not be asked: ", unasked);
        return line.toString();
    }

    private static void append(StringBuilder line, String what, long count) {
        if (count > 0) {
            line.append(what).append(count);
        }
    }
}
