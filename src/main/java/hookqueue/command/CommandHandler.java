package hookqueue.command;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.base.Version;
import hookqueue.delivery.Drain;
import hookqueue.delivery.Lane;
import hookqueue.protocol.Help;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.protocol.RequestHandler;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import hookqueue.report.DeliveryRowFormat;
import hookqueue.report.Metrics;
import hookqueue.report.Overview;
import hookqueue.report.RestartDue;
import hookqueue.report.StatusJson;
import hookqueue.report.StatusText;
import hookqueue.spool.SpoolIntake;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests: the longer ones by a class each, the others here. */
public final class CommandHandler implements RequestHandler {
    private static final Logger LOG = LoggerFactory.getLogger(CommandHandler.class);
    private static final int PAGE = 500;
    private static final int MOST_NAMED = Request.MOST_REASONS;
    private final Queue queue;
    private final SpoolIntake intake;
    private final Filters filters;
    private final String storeDir;
    private final List<Lane> lanes;
    private final Drain drain;
    private final RestartDue restart;
    private final WaitCommand waiting;
    private final WatchCommand watching;
    private final ExplainCommand explanation;
    private final VerifyCommand verification;
    private final HistoryCommand history;
    private final StatusText status;
    private final Metrics metrics;
    private final InstantSource clock;
    private final long ownUid;

    public CommandHandler(
            Queue queue,
            SpoolIntake intake,
            Filters filters,
            String storeDir,
            List<Lane> lanes,
            Drain drain,
            RestartDue restart,
            ExplainCommand explanation,
            VerifyCommand verification,
            StatusText status,
            Metrics metrics,
            InstantSource clock,
            long ownUid) {
        this.queue = queue;
        this.intake = intake;
        this.filters = filters;
        this.storeDir = storeDir;
        this.lanes = lanes;
        this.drain = drain;
        this.restart = restart;
        this.waiting = new WaitCommand(queue, storeDir, clock);
        this.watching = new WatchCommand(queue, lanes, restart, status, clock);
        this.explanation = explanation;
        this.verification = verification;
        this.history = new HistoryCommand(queue, storeDir);
        this.status = status;
        this.metrics = metrics;
        this.clock = clock;
        this.ownUid = ownUid;
    }

    /** The filters run on the session's thread: a regular expression may take its time. */
    @Override
    public Pending enqueue(List<Request.Enqueue> requests) {
        List<Filters.Selection> taken =
                requests.stream().map(request -> filters.select(request.paths())).toList();
        Queue.Submitted<Boolean> commit =
                queue.submit(transaction -> {
                    for (int i = 0; i < taken.size(); i++) {
                        transaction
                                .paths()
                                .enqueue(taken.get(i), requests.get(i).tag(), clock.millis());
                    }
                    return true;
                });
        return () -> replies(requests, taken, commit);
    }

    private static List<String> replies(
            List<Request.Enqueue> requests,
            List<Filters.Selection> taken,
            Queue.Submitted<Boolean> commit)
            throws InterruptedException {
        try {
            commit.await();
            var replies = new ArrayList<String>(requests.size());
            for (int i = 0; i < requests.size(); i++) {
                replies.add(reply(requests.get(i), taken.get(i).taken().size()));
            }
            return replies;
        } catch (QueueException e) {
            LOG.error("nothing can be queued: {}", e.getMessage());
            return requests.stream()
                    .map(request -> "error not queued: " + Text.oneLine(e.getMessage()))
                    .toList();
        }
    }

    private static String reply(Request.Enqueue request, int queued) {
        int filtered = request.paths().size() - queued;
        String excluded = filtered == 0 ? "" : " excluded " + filtered;
        List<String> refused = request.refused();
        if (refused.isEmpty()) {
            return "ok queued " + queued + excluded;
        }
        String named = String.join("; ", refused.subList(0, Math.min(MOST_NAMED, refused.size())));
        String more =
                refused.size() > MOST_NAMED
                        ? "; and " + (refused.size() - MOST_NAMED) + " more"
                        : "";
        return "error refused "
                + refused.size()
                + ", queued "
                + queued
                + excluded
                + ": "
                + named
                + more;
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
                        pages(
                                reply,
                                l.json(),
                                (after, limit) -> queue.call(t -> t.reports().list(after, limit)));
                case Request.Failures f ->
                        pages(
                                reply,
                                f.json(),
                                (after, limit) ->
                                        queue.call(t -> t.reports().failed(after, limit)));
                case Request.Wait wait -> waiting.answer(wait, reply);
                case Request.Watch watch -> watching.answer(watch, reply);
                case Request.Retry retry -> operator(peer, "retry", () -> retry(retry.paths()));
                case Request.Drop drop -> operator(peer, "drop", () -> drop(drop.paths()));
                case Request.DropDestination drop ->
                        operator(peer, "drop", () -> dropDestination(drop.name()));
                case Request.Pause pause -> operator(peer, "pause", () -> pause(pause.time()));
                case Request.Resume resume -> operator(peer, "resume", this::resume);
                case Request.Reload reload -> operator(peer, "reload", this::reload);
                case Request.Explain explain -> explanation.answer(explain.path(), reply);
                case Request.History asked -> history.answer(asked, reply);
                case Request.Verify verify -> verification.answer(verify, reply);
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

    /** A client is told of the paths that a hook has spooled before it asked. */
    private void takeInSpool(Request request) throws InterruptedException {
        boolean more = !(request instanceof Request.Enqueue) && intake.takeIn();
        while (more && request instanceof Request.Wait) {
            more = intake.takeIn();
        }
    }

    private Overview overview() throws QueueException, InterruptedException {
        return Overview.of(queue, lanes, restart, clock);
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
            int due = queue.call(t -> t.retries().retryAll(clock.millis()));
            long stranded = overview().stranded();
            return (due == 0 && stranded > 0 ? "error" : "ok")
                    + " due now: "
                    + due
                    + (stranded == 0
                            ? ""
                            : "; for removed destinations: " + stranded + " (see status)");
        }
        return each(
                paths,
                "due now",
                (t, path) ->
                        switch (t.retries().retry(path, clock.millis())) {
                            case DUE -> "";
                            case NO_DESTINATION -> "for removed destinations alone";
                            case NOT_QUEUED -> "not queued";
                        });
    }

    private String drop(List<StorePath> paths) throws QueueException, InterruptedException {
        return each(
                paths,
                "dropped",
                (t, path) -> t.paths().drop(path, clock.millis()) ? "" : "not queued");
    }

    private String dropDestination(String name) throws QueueException, InterruptedException {
        if (name.equals(LaneStore.SIGN)) {
            return "error " + name + " is no destination: it signs";
        }
        int dropped = 0;
        Optional<Integer> some;
        do {
            some = queue.call(t -> t.paths().dropLane(name, PAGE, clock.millis()));
            dropped += some.orElse(0);
        } while (some.orElse(0) > 0);
        if (some.isPresent()) {
            return "ok dropped: " + dropped;
        }
        List<String> names =
                overview().lanes().stream()
                        .map(LaneCounts::name)
                        .filter(each -> !each.equals(LaneStore.SIGN))
                        .toList();
        return "error no destination "
                + Text.quoted(name)
                + "; there are: "
                + String.join(" ", names);
    }

    /** Done to one path; returns what is wrong with it, or nothing. */
    private interface Change {
        String apply(QueueTransaction transaction, StorePath path) throws SQLException;
    }

    private String each(List<StorePath> paths, String done, Change change)
            throws QueueException, InterruptedException {
        Map<String, List<StorePath>> wrong =
                queue.call(transaction -> {
                    var found = new TreeMap<String, List<StorePath>>();
                    for (StorePath path : paths) {
                        String problem = change.apply(transaction, path);
                        if (!problem.isEmpty()) {
                            found.computeIfAbsent(problem, p -> new ArrayList<>()).add(path);
                        }
                    }
                    return found;
                });
        int count = paths.size() - wrong.values().stream().mapToInt(List::size).sum();
        var reply = new StringBuilder(wrong.isEmpty() ? "ok " : "error ").append(done);
        reply.append(": ").append(count);
        wrong.forEach((problem, some) -> {
            reply.append("; ").append(problem).append(':');
            some.stream()
                    .limit(MOST_NAMED)
                    .forEach(path -> reply.append(' ').append(path.in(storeDir)));
        });
        return reply.toString();
    }

    private String pause(@Nullable Duration time) throws QueueException, InterruptedException {
        long now = clock.millis();
        queue.call(transaction -> {
            transaction.meta().pause(now, time == null ? 0 : now + time.toMillis());
            return true;
        });
        return "ok " + status.paused(overview()) + "; a running batch continues to its end";
    }

    private String resume() throws QueueException, InterruptedException {
        queue.call(transaction -> {
            transaction.meta().resume();
            return true;
        });
        return "ok resumed";
    }

    /** The new worker reads the settings; systemd starts it when this one exits. */
    private String reload() {
        drain.begin();
        return "ok " + restart.waiting();
    }

    private String metrics(Reply reply) throws IOException, QueueException, InterruptedException {
        for (String line :
                metrics.text(overview(), queue.call(t -> t.reports().totals())).split("\n")) {
            reply.data(line);
        }
        return "ok";
    }

    private static String help(Reply reply) throws IOException {
        for (Help.Entry entry : Help.ENTRIES) {
            reply.data(String.format(Locale.ROOT, "%-33s %s", entry.syntax(), entry.summary()));
        }
        return "ok durations: 500ms 30s 10min 2h 30d, or bare seconds; "
                + "retry, drop, pause, resume and reload: for root and the worker's own user";
    }
}
