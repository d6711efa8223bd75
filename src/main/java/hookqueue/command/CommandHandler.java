package hookqueue.command;

import hookqueue.base.Filters;
import hookqueue.base.Text;
import hookqueue.base.Version;
import hookqueue.protocol.Help;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler;
import hookqueue.protocol.RequestText;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.report.DeliveryRowFormat;
import hookqueue.report.Metrics;
import hookqueue.report.Overview;
import hookqueue.report.StatusJson;
import hookqueue.report.StatusText;
import hookqueue.spool.SpoolIntake;
import java.io.IOException;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests: the longer ones by a class each, the others here. */
public final class CommandHandler implements RequestHandler {
    private static final Logger LOG = LoggerFactory.getLogger(CommandHandler.class);
    private static final int PAGE = 500;
    private final Queue queue;
    private final SpoolIntake intake;
    private final String storeDir;
    private final Overview.Source overviews;
    private final EnqueueCommand enqueuing;
    private final WaitCommand waiting;
    private final ExplainCommand explanation;
    private final VerifyCommand verification;
    private final CheckCommand checking;
    private final StatusText status;
    private final InstantSource clock;
    private final OperatorCommands operator;

    public CommandHandler(
            Queue queue,
            SpoolIntake intake,
            Filters filters,
            String storeDir,
            Overview.Source overviews,
            ExplainCommand explanation,
            VerifyCommand verification,
            CheckCommand checking,
            StatusText status,
            InstantSource clock,
            long ownUid) {
        this.queue = queue;
        this.intake = intake;
        this.enqueuing = new EnqueueCommand(queue, filters, clock);
        this.storeDir = storeDir;
        this.overviews = overviews;
        this.waiting = new WaitCommand(queue, storeDir, clock);
        this.explanation = explanation;
        this.verification = verification;
        this.checking = checking;
        this.status = status;
        this.clock = clock;
        this.operator = new OperatorCommands(queue, storeDir, overviews, status, clock, ownUid);
    }

    @Override
    public Pending enqueue(List<Request.Enqueue> requests) {
        return enqueuing.submit(requests);
    }

    @Override
    public String answer(Request request, Peer peer, Reply reply)
            throws IOException, InterruptedException {
        takeInSpool(request);
        try {
            return switch (request) {
                case Request.Enqueue enqueue -> enqueue(List.of(enqueue)).replies().getFirst();
                case Request.Status s -> status(s.json(), reply);
                case Request.Listing l ->
                        pages(reply, l.json(), (t, after) -> t.reports().list(after, PAGE));
                case Request.Failures f ->
                        pages(reply, f.json(), (t, after) -> t.reports().failed(after, PAGE));
                case Request.Wait wait -> waiting.answer(wait, reply);
                case Request.Watch watch ->
                        new WatchCommand(queue, overviews, status).answer(watch, reply);
                case Request.Operation operation -> operator.answer(operation, peer);
                case Request.Explain explain -> explanation.answer(explain.path(), reply);
                case Request.History history ->
                        new HistoryCommand(queue, storeDir).answer(history, reply);
                case Request.Verify verify -> verification.answer(verify, reply);
                case Request.Check check ->
                        operator.permits(peer)
                                ? checking.answer(check, overviews.look(), reply)
                                : OperatorCommands.refusal(peer, "check");
                case Request.Metrics m -> metrics(reply);
                case Request.Help help -> help(reply);
                case Request.Version version -> "ok nix-post-build-hook-queue " + Version.TEXT;
                case Request.Bad bad -> "error " + bad.reason();
            };
        } catch (QueueException e) {
            LOG.error(
                    "a request cannot be answered: {}: {}",
                    RequestText.of(request, storeDir),
                    e.getMessage());
            return "error " + Text.oneLine(e.getMessage());
        }
    }

    /** A client is told of the paths that a hook has spooled before it asked. */
    private void takeInSpool(Request request) throws InterruptedException {
        boolean more = !(request instanceof Request.Enqueue) && intake.takeIn();
        while (more && request instanceof Request.Wait) {
            more = intake.takeIn();
        }
    }

    private String status(boolean json, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Overview overview = overviews.look();
        reply.data(
                json
                        ? List.of(StatusJson.of(overview, status.summary(overview)))
                        : status.text(overview));
        return "ok";
    }

    /** Reads the rows after a path's row. */
    private interface Page {
        List<DeliveryRow> after(QueueTransaction transaction, long id) throws SQLException;
    }

    private String pages(Reply reply, boolean json, Page page)
            throws IOException, QueueException, InterruptedException {
        List<DeliveryRow> rows = queue.call(t -> page.after(t, 0));
        while (!rows.isEmpty()) {
            for (DeliveryRow row : rows) {
                reply.data(
                        json
                                ? DeliveryRowFormat.json(row, storeDir)
                                : DeliveryRowFormat.text(row, storeDir, clock.instant()));
            }
            reply.flush();
            long last = rows.getLast().id();
            rows = queue.call(t -> page.after(t, last));
        }
        return "ok";
    }

    private String metrics(Reply reply) throws IOException, QueueException, InterruptedException {
        String text = Metrics.text(overviews.look(), queue.call(t -> t.reports().totals()));
        reply.data(text.lines().toList());
        return "ok";
    }

    private static String help(Reply reply) throws IOException {
        reply.data(Help.lines());
        return "ok durations: 500ms 30s 10min 2h 30d, or bare seconds; "
                + "check, retry, drop, pause, resume and reload: for root and the worker's own user";
    }
}
