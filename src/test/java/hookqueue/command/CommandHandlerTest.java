package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.STORE;
import static hookqueue.queue.Fixture.TWO;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filter;
import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.protocol.Peer;
import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import hookqueue.report.Metrics;
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
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients are answered, on a real queue. */
class CommandHandlerTest {
    private static final long OPERATOR = 7;

    @TempDir Path folder;
    private Fixture f;
    private CommandHandler commands;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private Queue start(List<String> lanes, Filter filter) throws Exception {
        Queue queue = f.open(lanes);
        var intake = new SpoolIntake(Spool.open(f.state, STORE), queue, filter, f.clock);
        var explain =
                new ExplainCommand(
                        queue,
                        List.of(),
                        filter,
                        new Nix("nix", STORE),
                        new ChildProcess(Duration.ofSeconds(10)),
                        Map.of(),
                        f.clock);
        commands =
                new CommandHandler(
                        queue,
                        intake,
                        filter,
                        STORE,
                        List.of(),
                        explain,
                        new StatusText(() -> ZoneOffset.UTC),
                        new Metrics("test"),
                        f.clock,
                        OPERATOR);
        return queue;
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
        var filter = new Filter(Pattern.compile("p[0-4]$"), Pattern.compile("p3"));
        try (Queue queue = start(TWO, filter)) {
            String all = String.join(" ", paths(0, 10).stream().map(p -> p.in(STORE)).toList());
            assertEquals(List.of("ok queued 4 excluded 6"), ask("queue tag=t " + all));
            assertEquals(4, Fixture.unsettled(queue).size());
            assertEquals(4, f.rooted().size());
        }
    }

    @Test
    void clientsAreToldOfPathsThatWereSpooledBeforeTheyAsked() throws Exception {
        try (Queue queue = start(TWO, Filter.ALL)) {
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
        try (Queue queue = start(TWO, Filter.ALL)) {
            for (int i = 0; i < 1_100; i++) {
                Files.writeString(f.spool().resolve(i + ".paths"), path(i).in(STORE) + "\n");
            }
            assertEquals(
                    "error not settled after 1ms: 2200 left", ask("wait timeout=1ms").getLast());
            assertEquals(1_100, Fixture.unsettled(queue).size());
        }
    }
}
