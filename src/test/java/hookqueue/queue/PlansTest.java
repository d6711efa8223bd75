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

/** What runs for each path or batch, or for a report, costs the same however long the queue is. */
class PlansTest {
    @TempDir Path folder;

    @Test
    void nothingThatRunsForAPathOrABatchReadsAWholeTable() throws Exception {
        var f = new Fixture(folder);
        f.open(Fixture.SIGNED).close(); // a change of the settings may look at every row
        Set<String> texts;
        try (Queue queue = f.open(Fixture.SIGNED)) {
            queue.enqueue(paths(0, 9), "t");
            f.deliver(queue, QueueTransaction.SIGN, path(0));
            f.deliver(queue, "ssh://a", path(0));
            f.defer(queue, "ssh://b", path(0), 5);
            f.fail(queue, QueueTransaction.SIGN, path(1), "no");
            queue.enqueue(paths(0, 9), null);
            texts =
                    queue.call(ledger -> {
                        ledger.due("ssh://b", 9, 9, 9);
                        ledger.nextDue("ssh://b");
                        ledger.youngest("ssh://a");
                        ledger.hasten("ssh://b", 9);
                        ledger.breaker("ssh://b");
                        ledger.lanes();
                        ledger.oldest();
                        ledger.list(0, 9);
                        ledger.standing(path(0));
                        ledger.settledAt(path(0));
                        ledger.outstanding("t");
                        ledger.drop(path(3), 9);
                        return ledger.sql.texts();
                    });
        }
        var scans = new ArrayList<String>();
        for (String text : texts) {
            for (String step : f.plan(text)) {
                // The tables that do not grow; a co-routine is a search of its own.
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
