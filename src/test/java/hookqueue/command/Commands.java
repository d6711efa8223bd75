package hookqueue.command;

import static hookqueue.queue.Fixture.STORE;

import hookqueue.base.Filters;
import hookqueue.check.Installation;
import hookqueue.delivery.Drain;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import hookqueue.report.Overview;
import hookqueue.report.RestartDue;
import hookqueue.report.StatusText;
import hookqueue.spool.Spool;
import hookqueue.spool.SpoolIntake;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Commands on a real queue, without lanes and without a Nix. */
final class Commands {
    static final long OPERATOR = 7;

    final AtomicInteger restarts = new AtomicInteger();
    private final Fixture f;
    private CommandHandler handler;

    Commands(Fixture f) {
        this.f = f;
    }

    /** Opens the queue, which later commands ask. */
    Queue start(List<String> lanes, Filters filters) throws Exception {
        Queue queue = f.open(lanes, filters);
        var intake = new SpoolIntake(Spool.open(f.state, STORE), queue, filters, f.clock);
        var explain =
                new ExplainCommand(
                        queue,
                        List.of(),
                        filters,
                        new Nix("nix", STORE),
                        new ChildProcess(Duration.ofSeconds(10)),
                        Map.of(),
                        f.clock);
        var drain = new Drain(List.of(), restarts::incrementAndGet);
        handler =
                new CommandHandler(
                        queue,
                        intake,
                        filters,
                        STORE,
                        new Overview.Source(
                                queue, List.of(), new RestartDue(drain, Optional::empty), f.clock),
                        explain,
                        new VerifyCommand(queue, List.of(), List.of(), filters, STORE, f.clock),
                        new CheckCommand(
                                new Installation(
                                        Map.of(),
                                        null,
                                        List.of(),
                                        f.state,
                                        f.state,
                                        null,
                                        new Nix("/no/such/nix", STORE),
                                        List.of())),
                        new StatusText(() -> ZoneOffset.UTC),
                        f.clock,
                        OPERATOR);
        return queue;
    }

    /** The data lines, and the last line of the reply. */
    List<String> ask(String line) throws Exception {
        var lines = new ArrayList<String>();
        Request request = Request.parse(STORE, line);
        lines.add(answer(request, OPERATOR, lines));
        return lines;
    }

    /** The last line of the reply to a user; adds its data lines. */
    String answer(Request request, long user, List<String> lines) throws Exception {
        return handler.answer(request, new Peer(user, 1), reply(lines));
    }

    private static Reply reply(List<String> lines) {
        return new Reply() {
            @Override
            public void data(String line) {
                lines.add(line);
            }

            @Override
            public void flush() {}
        };
    }
}
