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
import hookqueue.protocol.Request;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Answers to clients, on a real queue. */
class CommandHandlerTest {
    @TempDir Path folder;
    private Fixture f;
    private Commands commands;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
        commands = new Commands(f);
    }

    @Test
    void onlyOperatorsMayCheck() throws Exception {
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            assertEquals(0, Fixture.unsettled(queue).size());
            var lines = new ArrayList<String>();
            String last = commands.answer(new Request.Check(true), Commands.OPERATOR + 1, lines);
            assertEquals(
                    "error check is for root and the worker's own user, not for uid "
                            + (Commands.OPERATOR + 1),
                    last);
            assertEquals(List.of(), lines);
        }
    }

    @Test
    void aRequestThatCannotBeAnsweredIsNamedInTheJournal() throws Exception {
        Queue queue = commands.start(TWO, Filters.ALL);
        queue.close();
        String hostile = "drop destination=\u001b[2Jx" + "y".repeat(1_000);
        var told = new ListAppender<ILoggingEvent>();
        var logger = (Logger) LoggerFactory.getLogger(CommandHandler.class);
        told.start();
        logger.addAppender(told);
        try {
            assertTrue(commands.ask("status").getLast().startsWith("error "));
            commands.ask("retry " + path(1).in(STORE) + " " + path(2).in(STORE));
            commands.ask("history " + path(1).in(STORE));
            commands.ask(hostile);
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
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            assertEquals(0, Fixture.unsettled(queue).size());
            commands.ask("pause");
            List<String> lines = commands.ask("check");
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

    @Test
    void excludedPathsAreCountedAndNotQueued() throws Exception {
        var filter = new Filter(rule("NPBHQ_INCLUDE", "p[0-4]$"), rule("NPBHQ_EXCLUDE", "p3"));
        try (Queue queue = commands.start(TWO, Filters.of(filter))) {
            String all = String.join(" ", paths(0, 10).stream().map(p -> p.in(STORE)).toList());
            assertEquals(List.of("ok queued 4 excluded 6"), commands.ask("queue tag=t " + all));
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
        try (Queue queue = commands.start(TWO, filters)) {
            String all = String.join(" ", paths(1, 5).stream().map(p -> p.in(STORE)).toList());
            assertEquals(List.of("ok queued 3 excluded 1"), commands.ask(all));
            assertEquals(List.of("ssh://b FRESH"), Fixture.standing(queue, path(1)));
            assertEquals(List.of(), Fixture.standing(queue, path(2)));
            assertEquals(List.of("ssh://a FRESH"), Fixture.standing(queue, path(3)));
            assertEquals(
                    List.of("ssh://a FRESH", "ssh://b FRESH"), Fixture.standing(queue, path(4)));
            Files.writeString(
                    f.spool().resolve("1.paths"), path(11).in(STORE) + "\n" + path(22).in(STORE));
            var explained = commands.ask("explain " + path(11).in(STORE));
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
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            var lines = new ArrayList<String>();
            String refused = commands.answer(new Request.Reload(), Commands.OPERATOR + 1, lines);
            assertTrue(refused.startsWith("error reload is for root and the worker's own user"));
            assertEquals(0, commands.restarts.get());
            assertEquals(
                    List.of("ok restart due: waits for 0 running copies"), commands.ask("reload"));
            commands.ask("reload");
            assertEquals(1, commands.restarts.get());
        }
    }

    @Test
    void answersIncludePathsThatWereSpooledBeforeTheRequest() throws Exception {
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            for (int i = 0; i < 5; i++) {
                StorePath spooled = path(i);
                Files.writeString(f.spool().resolve(i + ".paths"), spooled.in(STORE) + "\n");
                String asked =
                        switch (i) {
                            case 0 ->
                                    commands.ask("wait timeout=1ms " + spooled.in(STORE)).getLast();
                            case 1 -> String.join("\n", commands.ask("list"));
                            case 2 ->
                                    String.join("\n", commands.ask("explain " + spooled.in(STORE)));
                            case 3 -> commands.ask("drop " + spooled.in(STORE)).getLast();
                            default -> String.join("\n", commands.ask("status json"));
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

    @Test
    void pathsOfARetiredDestinationAreAProblemUntilTheyAreDropped() throws Exception {
        try (Queue queue = commands.start(TWO, Filters.ALL)) {
            f.enqueue(queue, paths(0, 3), null);
            f.deliver(queue, "ssh://a", path(0));
            f.deliver(queue, "ssh://a", path(1));
            f.fail(queue, "ssh://b", path(1), "no");
        }
        try (Queue queue = commands.start(List.of("ssh://a"), Filters.ALL)) {
            String status = String.join("\n", commands.ask("status"));
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
                    commands.ask("retry"));
            String one = path(1).in(STORE);
            assertEquals(
                    List.of("error due now: 0; for removed destinations alone: " + one),
                    commands.ask("retry " + one));
            assertEquals(
                    List.of("ok"),
                    commands.ask("wait " + one),
                    "it is at every destination there is");
            assertEquals(
                    List.of("error no destination ssh://c; there are: ssh://a ssh://b"),
                    commands.ask("drop destination=ssh://c"));
            assertEquals(
                    List.of("error sign is no destination: it signs"),
                    commands.ask("drop destination=sign"));
            assertEquals(List.of("ok dropped: 3"), commands.ask("drop destination=ssh://b"));
            assertFalse(String.join("\n", commands.ask("status")).contains("ssh://b"));
            assertEquals(1, f.rooted().size());
            assertEquals(List.of("ok due now: 0"), commands.ask("retry"));
        }
    }
}
