package hookqueue;

import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filters;
import hookqueue.queue.Fixture;
import hookqueue.queue.Queue;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Housekeeping on a queue that fails. */
class HousekeepingTest {
    @TempDir Path folder;

    @Test
    void aRequestThatFailsIsNotRepeatedWithoutAPause() throws Exception {
        var f = new Fixture(folder);
        Queue queue = f.open(Fixture.TWO, Filters.ALL);
        queue.close(); // every task fails from now on
        var housekeeping = new Housekeeping(queue, Duration.ofDays(1), f.clock, () -> {});
        housekeeping.start();
        housekeeping.requestSweep();
        Thread.sleep(200);
        long before = processorTime();
        Thread.sleep(500);
        long used = processorTime() - before;
        housekeeping.stop();
        assertTrue(used < 100_000_000, used + " ns of processor time in half a second");
    }

    private static long processorTime() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.dumpAllThreads(false, false))
                .filter(thread -> thread.getThreadName().equals("housekeeping"))
                .mapToLong(ThreadInfo::getThreadId)
                .map(threads::getThreadCpuTime)
                .sum();
    }
}
