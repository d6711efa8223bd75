package hookqueue.command;

import hookqueue.base.StorePath;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.ReportQueries.Delivery;
import hookqueue.report.DeliveryRowFormat;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The answer to {@code history}: which destination got which path when, the newest last.
 *
 * <p>Paths that went to a destination in the same second stand below one heading, which keeps lines
 * within 80 columns unless a name is long.
 */
record HistoryCommand(Queue queue, String storeDir) {
    private static final int PAGE = 500;
    private static final int MOST_NAMED = Request.MOST_REASONS;

    String answer(Request.History history, Reply reply)
            throws IOException, QueueException, InterruptedException {
        var printer = new Printer(history.json(), reply);
        if (!history.paths().isEmpty()) {
            return some(history.paths(), printer);
        }
        List<Delivery> page = queue.call(t -> t.reports().deliveries(0, 0, 0, PAGE));
        while (!page.isEmpty()) {
            printer.print(page);
            Delivery last = page.getLast();
            page = queue.call(t -> t.reports().deliveries(last.at(), last.lane(), last.id(), PAGE));
        }
        return "ok";
    }

    private String some(List<StorePath> paths, Printer printer)
            throws IOException, QueueException, InterruptedException {
        var unknown = new ArrayList<String>();
        for (StorePath path : paths) {
            List<Delivery> found = queue.call(t -> t.reports().deliveries(path));
            printer.print(found);
            if (found.isEmpty()) {
                unknown.add(path.in(storeDir));
            }
        }
        return unknown.isEmpty()
                ? "ok"
                : "error no delivery is remembered of: "
                        + unknown.stream().limit(MOST_NAMED).collect(Collectors.joining(" "));
    }

    private final class Printer {
        private final boolean json;
        private final Reply reply;
        private String heading = "";

        Printer(boolean json, Reply reply) {
            this.json = json;
            this.reply = reply;
        }

        void print(List<Delivery> deliveries) throws IOException {
            for (Delivery each : deliveries) {
                if (json) {
                    reply.data(DeliveryRowFormat.json(each, storeDir));
                    continue;
                }
                Instant second = Instant.ofEpochMilli(each.at()).truncatedTo(ChronoUnit.SECONDS);
                String below = second + "  " + each.destination();
                if (!below.equals(heading)) {
                    heading = below;
                    reply.data(heading);
                }
                reply.data("  " + each.path().in(storeDir));
            }
            reply.flush();
        }
    }
}
