package hookqueue.command;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.base.Version;
import hookqueue.delivery.Lane;
import hookqueue.protocol.Help;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.queue.Receipt;
import hookqueue.report.DeliveryRowFormat;
import hookqueue.report.Metrics;
import hookqueue.report.Overview;
import hookqueue.report.StatusJson;
import hookqueue.report.StatusText;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests: the longer ones by a class each, the others here. */
public final class CommandHandler implements RequestHandler {
    private static final Logger LOG = LoggerFactory.getLogger(CommandHandler.class);
    private static final int PAGE = 500;
    private static final int MOST_NAMED = Request.MOST_REASONS;
    private final Queue queue;
    private final String storeDir;
    private final List<Lane> lanes;
    private final WaitCommand waiting;
    private final WatchCommand watching;
    private final ExplainCommand explanation;
    private final StatusText status;
    private final Metrics metrics;
    private final InstantSource clock;
    private final long ownUid;

    public CommandHandler(
            Queue queue,
            String storeDir,
            List<Lane> lanes,
            ExplainCommand explanation,
            StatusText status,
            Metrics metrics,
            InstantSource clock,
            long ownUid) {
        this.queue = queue;
        this.storeDir = storeDir;
        this.lanes = lanes;
        this.waiting = new WaitCommand(queue, storeDir, clock);
        this.watching = new WatchCommand(queue, lanes, status, clock);
        this.explanation = explanation;
        this.status = status;
        this.metrics = metrics;
        this.clock = clock;
        this.ownUid = ownUid;
    }

    @Override
    public Pending enqueue(List<Request.Enqueue> requests) {
        Queue.Submitted<List<Receipt>> receipts =
                queue.submit(ledger -> {
                    var all = new ArrayList<Receipt>(requests.size());
                    for (Request.Enqueue request : requests) {
                        all.add(ledger.enqueue(request.paths(), request.tag(), clock.millis()));
                    }
                    return all;
                });
        return () -> replies(requests, receipts);
    }

    private static List<String> replies(
            List<Request.Enqueue> requests, Queue.Submitted<List<Receipt>> receipts)
            throws InterruptedException {
        try {
            List<Receipt> all = receipts.await();
            var replies = new ArrayList<String>(requests.size());
            for (int i = 0; i < all.size(); i++) {
                replies.add(reply(requests.get(i), all.get(i)));
            }
            return replies;
        } catch (QueueException e) {
            LOG.error("nothing can be queued: {}", e.getMessage());
            return requests.stream()
                    .map(request -> "error not queued: " + Text.oneLine(e.getMessage()))
                    .toList();
        }
    }

    private static String reply(Request.Enqueue request, Receipt receipt) {
        String excluded = receipt.excluded() == 0 ? "" : " excluded " + receipt.excluded();
        List<String> refused = request.refused();
        if (refused.isEmpty()) {
            return "ok queued " + receipt.queued() + excluded;
        }
        String named = String.join("; ", refused.subList(0, Math.min(MOST_NAMED, refused.size())));
        String more =
                refused.size() > MOST_NAMED
                        ? "; and " + (refused.size() - MOST_NAMED) + " more"
                        : "";
        return "error refused "
                + refused.size()
                + ", queued "
                + receipt.queued()
                + excluded
                + ": "
                + named
                + more;
    }

    @Override
    public String answer(Request request, Peer peer, Reply reply)
            throws IOException, InterruptedException {
        try {
            return switch (request) {
                case Request.Enqueue enqueue -> enqueue(List.of(enqueue)).replies().getFirst();
                case Request.Status s -> status(s.json(), reply);
                case Request.Listing l ->
                        pages(
                                reply,
                                l.json(),
                                (after, limit) -> queue.call(x -> x.list(after, limit)));
                case Request.Failures f ->
                        pages(
                                reply,
                                f.json(),
                                (after, limit) -> queue.call(x -> x.failed(after, limit)));
                case Request.Wait wait -> waiting.answer(wait, reply);
                case Request.Watch watch -> watching.answer(watch, reply);
                case Request.Retry retry -> operator(peer, "retry", () -> retry(retry.paths()));
                case Request.Drop drop -> operator(peer, "drop", () -> drop(drop.paths()));
                case Request.Pause pause -> operator(peer, "pause", () -> pause(pause.time()));
                case Request.Resume resume -> operator(peer, "resume", this::resume);
                case Request.Explain explain -> explanation.answer(explain.path(), reply);
                case Request.Metrics m -> metrics(reply);
                case Request.Help help -> help(reply);
                case Request.Version version -> "ok nix-post-build-hook-queue " + Version.TEXT;
                case Request.Bad bad -> "error " + bad.reason();
            };
        } catch (QueueException e) {
            LOG.error("a request cannot be answered: {}", e.getMessage());
            return "error " + Text.oneLine(e.getMessage());
        }
    }

    private Overview overview() throws QueueException, InterruptedException {
        return Overview.of(queue, lanes, clock);
    }

    private String status(boolean json, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Overview overview = overview();
        List<String> lines =
                json
                        ? List.of(StatusJson.of(overview, status.summary(overview)))
                        : status.text(overview);
        for (String line : lines) {
            reply.data(line);
        }
        return "ok";
    }

    /** Reads the rows after a path's row. */
    private interface Page {
        List<DeliveryRow> after(long id, int limit) throws QueueException, InterruptedException;
    }

    private String pages(Reply reply, boolean json, Page page)
            throws IOException, QueueException, InterruptedException {
        long after = 0;
        List<DeliveryRow> rows = page.after(after, PAGE);
        while (!rows.isEmpty()) {
            for (DeliveryRow row : rows) {
                reply.data(
                        json
                                ? DeliveryRowFormat.json(row, storeDir)
                                : DeliveryRowFormat.text(row, storeDir, clock.instant()));
            }
            reply.flush();
            after = rows.getLast().id();
            rows = page.after(after, PAGE);
        }
        return "ok";
    }

    /** A change that only operators may make. */
    private interface Deed {
        String done() throws QueueException, InterruptedException;
    }

    private String operator(Peer peer, String verb, Deed deed)
            throws QueueException, InterruptedException {
        if (!peer.mayOperate(ownUid)) {
            return "error "
                    + verb
                    + " is for root and the worker's own user, not for uid "
                    + peer.uid();
        }
        String answer = deed.done();
        LOG.info("{} by uid {}: {}", verb, peer.uid(), answer);
        return answer;
    }

    private String retry(List<StorePath> paths) throws QueueException, InterruptedException {
        if (paths.isEmpty()) {
            return "ok due now: " + queue.call(ledger -> ledger.retryAll(clock.millis()));
        }
        return each(paths, "due now", (ledger, path) -> ledger.retry(path, clock.millis()));
    }

    private String drop(List<StorePath> paths) throws QueueException, InterruptedException {
        return each(paths, "dropped", (ledger, path) -> ledger.drop(path, clock.millis()));
    }

    /** A change of one path; false when the path is not queued. */
    private interface Change {
        boolean apply(QueueTransaction ledger, StorePath path) throws SQLException;
    }

    private String each(List<StorePath> paths, String done, Change change)
            throws QueueException, InterruptedException {
        List<StorePath> unknown =
                queue.call(ledger -> {
                    var missing = new ArrayList<StorePath>();
                    for (StorePath path : paths) {
                        if (!change.apply(ledger, path)) {
                            missing.add(path);
                        }
                    }
                    return missing;
                });
        int count = paths.size() - unknown.size();
        if (unknown.isEmpty()) {
            return "ok " + done + ": " + count;
        }
        List<String> names =
                unknown.stream().limit(MOST_NAMED).map(path -> path.in(storeDir)).toList();
        return "error " + done + ": " + count + "; not queued: " + String.join(" ", names);
    }

    private String pause(@Nullable Duration time) throws QueueException, InterruptedException {
        long now = clock.millis();
        queue.call(ledger -> {
            ledger.pause(now, time == null ? 0 : now + time.toMillis());
            return true;
        });
        return "ok " + status.paused(overview()) + "; a running batch continues to its end";
    }

    private String resume() throws QueueException, InterruptedException {
        queue.call(ledger -> {
            ledger.resume();
            return true;
        });
        return "ok resumed";
    }

    private String metrics(Reply reply) throws IOException, QueueException, InterruptedException {
        for (String line :
                metrics.text(overview(), queue.call(QueueTransaction::tallies)).split("\n")) {
            reply.data(line);
        }
        return "ok";
    }

    private static String help(Reply reply) throws IOException {
        for (Help.Entry entry : Help.ENTRIES) {
            reply.data(String.format(Locale.ROOT, "%-33s %s", entry.syntax(), entry.summary()));
        }
        return "ok durations: 500ms 30s 10min 2h 30d, or bare seconds; "
                + "retry, drop, pause and resume: for root and the worker's own user";
    }
}
