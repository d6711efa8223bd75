package hookqueue.command;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static hookqueue.queue.Fixture.STORE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.protocol.Reply;
import hookqueue.protocol.Request;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The list of remembered deliveries. */
class HistoryCommandTest {
    @TempDir Path folder;
    private Fixture f;

    @BeforeEach
    void begin() throws Exception {
        f = new Fixture(folder);
    }

    private static List<String> ask(Queue queue, String line) throws Exception {
        var lines = new ArrayList<String>();
        Reply reply =
                new Reply() {
                    @Override
                    public void data(String data) {
                        lines.add(data);
                    }

                    @Override
                    public void flush() {}
                };
        var request = (Request.History) Request.parse(STORE, line);
        lines.add(new HistoryCommand(queue, STORE).answer(request, reply));
        return lines;
    }

    @Test
    void theNewestDeliveryIsLastAndEachBatchHasOneHeading() throws Exception {
        try (Queue queue = f.open(Fixture.TWO)) {
            f.enqueue(queue, paths(0, 4), null);
            f.deliver(queue, "ssh://a", path(2));
            f.deliver(queue, "ssh://b", path(0));
            f.deliver(queue, "ssh://b", path(2));
            f.now = f.now.plusSeconds(5);
            f.deliver(queue, "ssh://b", path(1));
            assertEquals(
                    List.of(
                            "2026-03-01T12:00:00Z  ssh://a",
                            "  " + path(2).in(STORE),
                            "2026-03-01T12:00:00Z  ssh://b",
                            "  " + path(0).in(STORE),
                            "  " + path(2).in(STORE),
                            "2026-03-01T12:00:05Z  ssh://b",
                            "  " + path(1).in(STORE),
                            "ok"),
                    ask(queue, "history"));
            assertEquals(
                    List.of(
                            "2026-03-01T12:00:05Z  ssh://b",
                            "  " + path(1).in(STORE),
                            "error no delivery is remembered of: " + path(3).in(STORE)),
                    ask(queue, "history " + path(1).in(STORE) + " " + path(3).in(STORE)));
            assertEquals(
                    List.of(
                            "{\"path\":\""
                                    + path(1).in(STORE)
                                    + "\",\"lane\":\"ssh://b\",\"delivered_at\":\"2026-03-01T12:00:05Z\"}",
                            "ok"),
                    ask(queue, "history json " + path(1).in(STORE)));
        }
    }

    @Test
    void everyDeliveryOfManyIsShownOnce() throws Exception {
        f.open(Fixture.TWO).close();
        f.sql(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                        + " INSERT INTO path (id, name, queued_at, settled_at)"
                        + " SELECT i, printf('%032d-p', i), 1, "
                        + f.clock.millis()
                        + " FROM n",
                "INSERT INTO delivered (lane, path, at) SELECT l.id, p.id, 1000000 + p.id % 7 * 1000"
                        + " FROM path p, lane l");
        try (Queue queue = f.open(Fixture.TWO)) {
            List<String> lines = ask(queue, "history");
            assertEquals(40_000, lines.stream().filter(line -> line.startsWith("  /")).count());
            assertEquals(40_000 + 7 * 2 + 1, lines.size(), "a heading for a second and lane");
            assertTrue(lines.stream().allMatch(line -> line.length() <= 80));
        }
    }
}
