package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import hookqueue.queue.QueueException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Which paths a lane hands to which child, and what it says and leaves at the end. */
@Timeout(60)
class LaneTest {
    @TempDir private Path folder;
    private LaneWorld world;

    /** As a shared connection: it takes a while, and is near or not. */
    private static final class FakeLink implements Link {
        volatile boolean opened;
        volatile boolean closed;
        volatile boolean near;
        volatile long settlesIn;

        @Override
        public boolean isNear() {
            return near;
        }

        @Override
        public void open() {
            opened = true;
        }

        @Override
        public long settlesIn() {
            return settlesIn;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @BeforeEach
    void open() throws IOException, QueueException {
        world = new LaneWorld(folder);
    }

    @AfterEach
    void end() throws InterruptedException {
        world.end();
    }

    @Test
    void pathsQueuedTogetherAreDeliveredInOneBatchAndUnrooted() throws Exception {
        world.enqueue(1, 2, 3);
        assertEquals(List.of(1, 2, 3), world.nextRun());
        world.awaitSettled();
        assertEquals(3, world.counts().delivered());
        assertEquals(30, world.counts().bytes());
        while (folder.resolve("roots").toFile().list().length > 0) {
            Thread.sleep(1); // removed after the commit; the timeout can end it
        }
    }

    @Test
    void onANearLinkOneChildGetsAllDuePathsOnceTheLinkHasSettled() throws Exception {
        var fake = new FakeLink();
        fake.settlesIn = 60_000;
        world.link = fake;
        world.slots = 4;
        world.restart();
        assertFalse(fake.opened, "nothing is due");
        world.enqueue(IntStream.range(0, 40).toArray());
        world.assertNoRun();
        assertTrue(fake.opened);
        fake.near = true;
        fake.settlesIn = 0;
        world.queue.wake();
        assertEquals(40, world.nextRun().size());
        world.awaitSettled();
        world.lane.stop();
        world.lane.join(Duration.ofSeconds(20));
        assertTrue(fake.closed);
    }

    @Test
    void onAFarLinkAllSlotsGetAnEvenPart() throws Exception {
        world.slots = 4;
        world.restart();
        world.enqueue(IntStream.range(0, 40).toArray());
        for (int slot = 0; slot < 4; slot++) {
            assertEquals(10, world.nextRun().size());
        }
        world.awaitSettled();
    }

    /** Otherwise a burst of builds waits for child processes that carry a path or two. */
    @Test
    void pathsThatArriveOneByOneShareFewChildren() throws Exception {
        long began = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            world.enqueue(i);
        }
        world.awaitSettled();
        long millis = (System.nanoTime() - began) / 1_000_000;
        long mostLooks = millis / 50 + 1;
        assertTrue(
                world.carrier.runs.size() <= mostLooks,
                world.carrier.runs.size() + " children in " + millis + "ms");
        assertEquals(100, world.carrier.runs.stream().mapToInt(List::size).sum());
    }

    @Test
    void aPauseIsDurableAndEndsTheCurrentRound() throws Exception {
        var gate = new CountDownLatch(1);
        world.carrier.gate = gate;
        world.carrier.bad.add(Paths.path(1));
        world.enqueue(1, 2, 3);
        assertEquals(List.of(1, 2, 3), world.nextRun());
        world.pause(true);
        world.carrier.gate = null;
        gate.countDown();
        world.assertNoRun();
        world.restart();
        world.assertNoRun();
        assertEquals(3, world.counts().fresh());
        world.pause(false);
        assertEquals(List.of(1, 2, 3), world.nextRun());
        assertEquals(1, world.awaitDeferred(1).failures());
        assertEquals(2, world.counts().delivered());
    }

    @Test
    void aStopDuringABatchLeavesItsPathsQueued() throws Exception {
        world.carrier.gate = new CountDownLatch(1);
        world.enqueue(1, 2);
        assertEquals(List.of(1, 2), world.nextRun());
        assertEquals(2, world.lane.running().getFirst().paths());
        world.carrier.gate = null;
        world.lane.stop();
        world.lane.join(Duration.ofSeconds(20));
        assertEquals(List.of(), world.lane.running());
        assertEquals(2, world.counts().fresh());
        world.restart();
        assertEquals(List.of(1, 2), world.nextRun());
        world.awaitSettled();
    }

    @Test
    void everyMessageOfALaneNamesItsDestinationAndItsPaths() throws Exception {
        var told = new CopyOnWriteArrayList<String>();
        var appender =
                new AppenderBase<ILoggingEvent>() {
                    @Override
                    protected void append(ILoggingEvent event) {
                        Object[] arguments = event.getArgumentArray();
                        told.add(
                                event.getFormattedMessage().replaceAll(" in .*| after .*", "")
                                        + " | "
                                        + MDC.get(LogFields.DESTINATION)
                                        + " "
                                        + arguments[arguments.length - 1]);
                    }
                };
        var logger = (Logger) LoggerFactory.getLogger(Lane.class);
        appender.start();
        logger.addAppender(appender);
        try {
            world.carrier.bad.add(Paths.path(1));
            world.enqueue(1, 2);
            world.awaitDeferred(1);
            world.lane.stop();
            world.lane.join(Duration.ofSeconds(10));
        } finally {
            logger.detachAppender(appender);
        }
        String bad = Paths.path(1).toString();
        String good = Paths.path(2).toString();
        for (String each :
                List.of(
                        LaneWorld.LANE
                                + ": 2 paths not taken | "
                                + LaneWorld.LANE
                                + " ["
                                + bad
                                + ", "
                                + good
                                + "]",
                        LaneWorld.LANE
                                + ": delivered "
                                + good
                                + " | "
                                + LaneWorld.LANE
                                + " ["
                                + good
                                + "]")) {
            assertTrue(told.contains(each), told::toString);
        }
        assertTrue(
                told.stream().allMatch(each -> each.contains(" | " + LaneWorld.LANE)),
                told::toString);
        assertTrue(
                told.stream().anyMatch(each -> each.contains("deferred " + bad)), told::toString);
    }

    /** The lane then waits 10 s by the real clock. */
    @Test
    void aVerdictThatCannotBeRecordedIsRecordedLaterWithoutAnotherUpload() throws Exception {
        world.sql(
                "CREATE TRIGGER full BEFORE DELETE ON delivery BEGIN SELECT raise(ABORT, 'full'); END");
        world.enqueue(1);
        assertEquals(List.of(1), world.nextRun());
        while (!LaneWorld.laneIsIn("sleep")) {
            Thread.sleep(1);
        }
        assertEquals(1, world.counts().fresh());
        world.sql("DROP TRIGGER full");
        world.awaitSettled();
        world.assertNoRun();
        assertEquals(1, world.counts().delivered());
    }

    @Test
    void severalChildrenRunInParallelAndEachIsRecordedWhenItEnds() throws Exception {
        world.slots = 3;
        world.restart();
        world.pause(true);
        for (int number = 0; number < 12; number++) {
            world.enqueue(number);
        }
        var gate = new CountDownLatch(1);
        world.carrier.gate = gate;
        world.pause(false);
        var handed = new HashSet<Integer>();
        for (int i = 0; i < 3; i++) {
            handed.addAll(world.nextRun());
        }
        assertEquals(12, handed.size(), "nothing is handed over twice");
        assertEquals(3, world.lane.running().size());
        assertEquals(
                "it is on its way, with 3 others",
                world.lane.waitsFor(Paths.path(0)).get(20, TimeUnit.SECONDS).orElseThrow());
        world.carrier.gate = null;
        gate.countDown();
        world.awaitSettled();
        assertEquals(12, world.counts().delivered());
    }

    @Test
    void aPathWaitsForADependencyInAnotherSlotAndReportsIt() throws Exception {
        world.slots = 2;
        long shared = ClosureGraph.digest(Paths.path(99));
        world.closures =
                paths -> {
                    var members = new ArrayList<ClosureSource.Member>();
                    members.add(new ClosureSource.Member(shared, new long[0], 1));
                    for (StorePath path : paths) {
                        long digest = ClosureGraph.digest(path);
                        members.add(new ClosureSource.Member(digest, new long[] {shared}, 1));
                    }
                    return Optional.of(members);
                };
        world.restart();
        var gate = new CountDownLatch(1);
        world.carrier.gate = gate;
        world.enqueue(1);
        assertEquals(List.of(1), world.nextRun());
        world.enqueue(2);
        String answer = world.lane.waitsFor(Paths.path(2)).get(20, TimeUnit.SECONDS).orElse("");
        while (!answer.equals(
                "it waits for " + Paths.path(1) + ": both need something that is being sent")) {
            answer = world.lane.waitsFor(Paths.path(2)).get(20, TimeUnit.SECONDS).orElse("");
        }
        assertEquals(List.of(), List.copyOf(world.carrier.runs));
        world.carrier.gate = null;
        gate.countDown();
        assertEquals(List.of(2), world.nextRun());
        world.awaitSettled();
    }

    @Test
    void aStopEndsEveryChildAndLeavesItsPathsQueued() throws Exception {
        world.slots = 3;
        world.restart();
        world.carrier.gate = new CountDownLatch(1);
        world.enqueue(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        for (int i = 0; i < 3; i++) {
            world.nextRun();
        }
        world.lane.stop();
        world.lane.join(Duration.ofSeconds(20));
        assertEquals(List.of(), world.lane.running());
        assertEquals(12, world.counts().fresh());
        world.carrier.gate = null;
    }
}
