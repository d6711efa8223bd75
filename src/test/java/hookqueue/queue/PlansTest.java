package hookqueue.queue;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.paths;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The costs of queries for a path, a batch or a report do not grow with the queue. */
class PlansTest {
    @TempDir Path folder;

    @Test
    void noQueryForAPathOrABatchScansAWholeTable() throws Exception {
        var f = new Fixture(folder);
        f.open(Fixture.SIGNED).close(); // a change of the settings may look at every row
        Set<String> texts;
        try (Queue queue = f.open(Fixture.SIGNED)) {
            f.enqueue(queue, paths(0, 9), "t");
            f.deliver(queue, LaneStore.SIGN, path(0));
            f.deliver(queue, "ssh://a", path(0));
            f.defer(queue, "ssh://b", path(0), 5);
            f.fail(queue, LaneStore.SIGN, path(1), "no");
            f.enqueue(queue, paths(0, 9), null);
            texts =
                    queue.call(t -> {
                        t.lane("ssh://b").due(9, 9, 9);
                        t.lane("ssh://b").nextDue();
                        t.lane("ssh://a").youngest();
                        t.lane("ssh://b").hasten(9);
                        t.lane("ssh://b").breaker();
                        t.reports().lanes();
                        t.reports().oldest();
                        t.reports().list(0, 9);
                        t.reports().standing(path(0));
                        t.reports().settledAt(path(0));
                        for (long row : t.waits().tagged("t", 0, 9)) {
                            t.waits().outstanding(row);
                            t.waits().standing(row);
                        }
                        t.reports().deliveries(0, 0, 0, 9);
                        t.reports().deliveries(path(0));
                        t.lane("ssh://a").deliveredAfter(0, 9);
                        t.verification().begin(9, 9);
                        t.verification().counts("ssh://a");
                        t.waits().untagged(0, 9);
                        t.waits().failed(9);
                        t.waits().anyStranded();
                        t.waits().anyDestination();
                        t.removals().drop(path(3), 9);
                        return t.reports().sql().texts();
                    });
        }
        var scans = new ArrayList<String>();
        for (String text : texts) {
            List<String> plan = f.plan(text);
            // The virtual table json_each is a list in a parameter: read once in a subquery, or in
            // the outermost loop.
            plan.remove("SCAN json_each VIRTUAL TABLE INDEX 1:");
            if (plan.indexOf("SCAN e VIRTUAL TABLE INDEX 1:") == 0) {
                plan.removeFirst();
            }
            for (String step : plan) {
                // These tables do not grow; SQLite lists a co-routine's search separately.
                if (step.startsWith("SCAN")
                        && !List.of("SCAN lane", "SCAN l", "SCAN CONSTANT ROW").contains(step)) {
                    scans.add(step + ": " + text);
                }
            }
        }
        assertTrue(texts.size() > 20, () -> "only " + texts.size() + " statements");
        assertEquals(List.of(), scans);
    }
}
