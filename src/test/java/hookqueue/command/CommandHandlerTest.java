package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.base.SomePaths.rule;
import static hookqueue.queue.Fixture.STORE;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import hookqueue.base.Filter;
import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.check.Installation;
import hookqueue.delivery.Drain;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Fixture;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.report.Overview;
import hookqueue.report.RestartDue;
import hookqueue.report.StatusText;
import hookqueue.spool.Spool;
import hookqueue.spool.SpoolIntake;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Answers to clients, on a real queue. */
class CommandHandlerTest {
    private static final long OPERATOR = 7;

    @TempDir Path folder;
    private Fixture f;
    private CommandHandler commands;
    private long looked;

    private final AtomicInteger restarts = new AtomicInteger();

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private Queue start(List<String> lanes, Filters filters) throws Exception {
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
        commands =
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

    @Test
    void onlyOperatorsMayCheck() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            assertEquals(0, Fixture.unsettled(queue).size());
            var lines = new ArrayList<String>();
            String last =
                    commands.answer(
                            new Request.Check(true), new Peer(OPERATOR + 1, 1), reply(lines));
            assertEquals(
                    "error check is for root and the worker's own user, not for uid "
                            + (OPERATOR + 1),
                    last);
            assertEquals(List.of(), lines);
        }
    }

    @Test
    void aRequestThatCannotBeAnsweredIsNamedInTheJournal() throws Exception {
        Queue queue = start(TWO, Filters.ALL);
        queue.close();
        String hostile = "drop destination=\u001b[2Jx" + "y".repeat(1_000);
        var told = new ListAppender<ILoggingEvent>();
        var logger = (Logger) LoggerFactory.getLogger(CommandHandler.class);
        told.start();
        logger.addAppender(told);
        try {
            assertTrue(ask("status").getLast().startsWith("error "));
            ask("retry " + path(1).in(STORE) + " " + path(2).in(STORE));
            ask("history " + path(1).in(STORE));
            ask(hostile);
        } finally {
            logger.detachAppender(told);
        }
        List<String> messages = told.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
        assertEquals(4, messages.size(), messages::toString);
        String begin = "a request cannot be answered: ";
        List<String> named =
                List.of(
                        "status: ",
                        "retry " + path(1).in(STORE) + " and 1 more: ",
                        "history " + path(1).in(STORE) + ": ",
                        "drop destination=?[2Jx");
        for (int i = 0; i < named.size(); i++) {
            assertTrue(messages.get(i).startsWith(begin + named.get(i)), messages.get(i));
        }
        assertTrue(messages.getLast().length() < 300, messages::getLast);
    }

    @Test
    void checkWarnsOfAPause() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            assertEquals(0, Fixture.unsettled(queue).size());
            ask("pause");
            List<String> lines = ask("check");
            assertTrue(
                    lines.contains("warn  queue: is paused, so nothing is uploaded"),
                    lines::toString);
            assertTrue(lines.getLast().startsWith("error "), lines::toString);
            assertTrue(
                    lines.stream()
                            .anyMatch(
                                    line -> line.contains("/no/such/nix --version does not work")),
                    lines::toString);
        }
    }

    /** The data lines, and the last line of the reply. */
    private List<String> ask(String line) throws Exception {
        var lines = new ArrayList<String>();
        Request request = Request.parse(STORE, line);
        lines.add(commands.answer(request, new Peer(OPERATOR, 1), reply(lines)));
        return lines;
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

    @Test
    void excludedPathsAreCountedAndNotQueued() throws Exception {
        var filter = new Filter(rule("NPBHQ_INCLUDE", "p[0-4]$"), rule("NPBHQ_EXCLUDE", "p3"));
        try (Queue queue = start(TWO, Filters.of(filter))) {
            String all = String.join(" ", paths(0, 10).stream().map(p -> p.in(STORE)).toList());
            assertEquals(List.of("ok queued 4 excluded 6"), ask("queue tag=t " + all));
            assertEquals(4, Fixture.unsettled(queue).size());
            assertEquals(4, f.rooted().size());
        }
    }

    @Test
    void eachDestinationGetsThePathsThatItsOwnFilterTakes() throws Exception {
        var filters =
                new Filters(
                        Filter.ALL,
                        TWO,
                        Map.of(
                                "ssh://a", new Filter(null, rule("NPBHQ_EXCLUDE_a", "[12]$")),
                                "ssh://b", new Filter(null, rule("NPBHQ_EXCLUDE_b", "[23]$"))));
        try (Queue queue = start(TWO, filters)) {
            String all = String.join(" ", paths(1, 5).stream().map(p -> p.in(STORE)).toList());
            assertEquals(List.of("ok queued 3 excluded 1"), ask(all));
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(1)));
            assertEquals(List.of(), Fixture.standing(queue, path(2)));
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(3)));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(4)));
            Files.writeString(
                    f.spool().resolve("1.paths"), path(11).in(STORE) + "\n" + path(22).in(STORE));
            var explained = ask("explain " + path(11).in(STORE));
            assertTrue(
                    explained.containsAll(
                            List.of(
                                    "filters of ssh://a: excluded, NPBHQ_EXCLUDE_a matches its name: [12]$",
                                    "filters of ssh://b: accepted, the filters match")),
                    () -> "explain: " + explained);
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(11)));
            assertEquals(List.of(), Fixture.standing(queue, path(22)));
        }
    }

    @Test
    void reloadIsForOperatorsAndRestartsOnce() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            var lines = new ArrayList<String>();
            String refused =
                    commands.answer(new Request.Reload(), new Peer(1, OPERATOR + 1), reply(lines));
            assertTrue(refused.startsWith("error reload is for root and the worker's own user"));
            assertEquals(0, restarts.get());
            assertEquals(List.of("ok restart due: waits for 0 running copies"), ask("reload"));
            ask("reload");
            assertEquals(1, restarts.get());
        }
    }

    @Test
    void answersIncludePathsThatWereSpooledBeforeTheRequest() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            for (int i = 0; i < 5; i++) {
                StorePath spooled = path(i);
                Files.writeString(f.spool().resolve(i + ".paths"), spooled.in(STORE) + "\n");
                String asked =
                        switch (i) {
                            case 0 -> ask("wait timeout=1ms " + spooled.in(STORE)).getLast();
                            case 1 -> String.join("\n", ask("list"));
                            case 2 -> String.join("\n", ask("explain " + spooled.in(STORE)));
                            case 3 -> ask("drop " + spooled.in(STORE)).getLast();
                            default -> String.join("\n", ask("status json"));
                        };
                String expected =
                        switch (i) {
                            case 0 -> "error not settled after 1ms: 1 left";
                            case 1, 2 -> spooled.baseName();
                            case 3 -> "ok dropped: 1";
                            default -> "\"queued\":4";
                        };
                assertTrue(asked.contains(expected), () -> expected + " in " + asked);
            }
            assertEquals(4, Fixture.unsettled(queue).size());
        }
    }

    /** A page of the spool is 500 files. */
    @Test
    void waitTakesInAllOfTheSpoolFirst() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            for (int i = 0; i < 1_100; i++) {
                Files.writeString(f.spool().resolve(i + ".paths"), path(i).in(STORE) + "\n");
            }
            assertEquals(
                    "error not settled after 1ms: 2200 left", ask("wait timeout=1ms").getLast());
            assertEquals(1_100, Fixture.unsettled(queue).size());
        }
    }

    @Test
    void pathsOfARetiredDestinationAreAProblemUntilTheyAreDropped() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 3), null);
            f.deliver(queue, "ssh://a", path(0));
            f.deliver(queue, "ssh://a", path(1));
            f.fail(queue, "ssh://b", path(1), "no");
        }
        try (Queue queue = start(List.of("ssh://a"), Filters.ALL)) {
            String status = String.join("\n", ask("status"));
            assertTrue(
                    status.contains(
                            "3 paths wait for ssh://b, which is not in the settings any more"),
                    status);
            assertTrue(
                    status.contains("nix-post-build-hook-queue drop 'destination=ssh://b'"),
                    status);
            assertFalse(status.contains("retry"), status);
            assertEquals(
                    List.of("error due now: 0; for removed destinations: 3 (see status)"),
                    ask("retry"));
            String one = path(1).in(STORE);
            assertEquals(
                    List.of("error due now: 0; for removed destinations alone: " + one),
                    ask("retry " + one));
            assertEquals(List.of("ok"), ask("wait " + one), "it is at every destination there is");
            assertEquals(
                    List.of("error no destination ssh://c; there are: ssh://a ssh://b"),
                    ask("drop destination=ssh://c"));
            assertEquals(
                    List.of("error sign is no destination: it signs"),
                    ask("drop destination=sign"));
            assertEquals(List.of("ok dropped: 3"), ask("drop destination=ssh://b"));
            assertFalse(String.join("\n", ask("status")).contains("ssh://b"));
            assertEquals(1, f.rooted().size());
            assertEquals(List.of("ok due now: 0"), ask("retry"));
        }
    }

    @Test
    void aWaitFailsForPathsWithoutAnyDestination() throws Exception {
        List<String> signAlone = List.of(LaneStore.SIGN);
        try (Queue queue = start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 2), "job");
            f.fail(queue, "ssh://b", path(1), "no");
        }
        try (Queue queue = start(signAlone, Filters.ALL)) {
            for (int i = 0; i < 2; i++) {
                f.deliver(queue, LaneStore.SIGN, path(i));
            }
            for (String wait : List.of("wait", "wait tag=job", "wait " + path(0).in(STORE))) {
                assertEquals(
                        "error paths have no destination in the settings any more; see status",
                        ask(wait).getLast(),
                        wait);
            }
            ask("drop destination=ssh://a");
            ask("drop destination=ssh://b");
            assertEquals(List.of("ok"), ask("wait"));
        }
    }

    @Test
    void aWaitReportsFailedPaths() throws Exception {
        try (Queue queue = start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 3), "job");
            for (int i = 0; i < 3; i++) {
                f.deliver(queue, "ssh://a", path(i));
            }
            f.deliver(queue, "ssh://b", path(0));
            f.fail(queue, "ssh://b", path(1), "no such host");
            assertEquals(
                    List.of("error not settled after 1ms: 1 left"),
                    ask("wait timeout=1ms tag=job"));
            f.deliver(queue, "ssh://b", path(2));
            String all = String.join(" ", paths(0, 3).stream().map(p -> p.in(STORE)).toList());
            for (String wait : List.of("wait", "wait tag=job", "wait " + all)) {
                List<String> reply = ask(wait);
                assertEquals("error failed: 1", reply.getLast(), wait);
                assertEquals(2, reply.size());
                assertTrue(reply.getFirst().contains("no such host"), reply.getFirst());
            }
            assertEquals(List.of("ok"), ask("wait " + path(0).in(STORE)));
            assertEquals(
                    List.of("error never queued here: " + path(9).in(STORE)),
                    ask("wait " + all + " " + path(9).in(STORE)));
            assertEquals(List.of("ok nothing was queued with tag other"), ask("wait tag=other"));
        }
    }

    @Test
    void aWaitContinuesForAPathThatIsRetriedMeanwhile() throws Exception {
        try (Queue queue = start(List.of("ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 2), "job");
            f.fail(queue, "ssh://a", path(0), "no");
            var target = target(queue);
            assertFalse(target.settled());
            ask("retry");
            f.deliver(queue, "ssh://a", path(1));
            assertTrue(target.settled(), "each was");
            assertTrue(target.end().outstanding(), "the first is again");
            assertFalse(target.settled());
            f.deliver(queue, "ssh://a", path(0));
            assertTrue(target.settled());
            assertEquals(new WaitTarget.End(false, List.of(), false), target.end());
        }
    }

    private WaitTarget target(Queue queue) {
        return new WaitTarget.Paths(
                queue,
                (t, after) -> {
                    List<Long> page = t.waits().tagged("job", after, 500);
                    looked += page.size();
                    return page;
                });
    }

    /** With two hundred changes, each change used to make it query all 5,000 paths. */
    @Test
    void aWaitForManyPathsCostsFewQueriesPerChange() throws Exception {
        try (Queue queue = start(List.of("ssh://a"), Filters.ALL)) {
            f.enqueue(queue, paths(0, 5_000), "job");
            var target = target(queue);
            for (int i = 0; i < 200; i++) {
                assertFalse(target.settled());
                f.deliver(queue, "ssh://a", path(i));
            }
            assertEquals(500, looked, "a page");
            assertEquals(4_800, target.left());
        }
    }
}
