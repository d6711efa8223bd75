package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import hookqueue.base.Filters;
import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import hookqueue.nix.Progress;
import hookqueue.queue.Breaker;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.queue.QueueTransaction;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** A real lane on a real queue, with a fake destination and a fake clock. */
@Timeout(60)
class LaneTest {
    private static final String LANE = "file:///cache";
    private static final long START = 1_800_000_000_000L;

    @TempDir private Path folder;
    private final Clock clock = new Clock();
    private final FakeCarrier carrier = new FakeCarrier();
    private final AtomicReference<Throwable> fatal = new AtomicReference<>();
    private int slots = 1;
    private Link link = FixedLink.FAR;
    private ClosureSource closures = ClosureSource.NONE;
    private Queue queue;
    private Lane lane;

    /** Stands still until it is set. */
    private static final class Clock implements InstantSource {
        final AtomicLong millis = new AtomicLong(START);

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(millis.get());
        }
    }

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

    /** Refuses the paths that a test sets, and records each run. */
    private static final class FakeCarrier implements Transport {
        final Set<StorePath> bad = ConcurrentHashMap.newKeySet();
        final LinkedBlockingQueue<List<Integer>> runs = new LinkedBlockingQueue<>();
        final Set<StorePath> gone = ConcurrentHashMap.newKeySet();
        final Set<Integer> taken = ConcurrentHashMap.newKeySet();
        volatile boolean down;

        /** If set, a run waits for it, or for the lane to close. */
        volatile @Nullable CountDownLatch gate;

        @Override
        public DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
            CountDownLatch closed = gate; // before the test can see this run
            runs.add(paths.stream().map(FakeCarrier::number).toList());
            try {
                if (closed != null) {
                    closed.await();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return new DeliveryOutcome.Cancelled();
            }
            if (paths.stream().anyMatch(gone::contains)) {
                return new DeliveryOutcome.Invalid(Set.copyOf(gone), "gone");
            }
            if (down || paths.stream().anyMatch(bad::contains)) {
                return new DeliveryOutcome.Refused("connection refused");
            }
            paths.forEach(path -> taken.add(number(path)));
            return new DeliveryOutcome.Delivered(paths.size() * 10L);
        }

        private static int number(StorePath path) {
            return Integer.parseInt(path.name().substring(1));
        }
    }

    @BeforeEach
    void open() throws IOException, QueueException {
        Files.createDirectories(folder.resolve("state"));
        Files.createDirectories(folder.resolve("roots"));
        begin();
    }

    private void begin() throws QueueException {
        var settings =
                new Queue.Settings(
                        folder.resolve("state"),
                        folder.resolve("roots"),
                        "/nix/store",
                        List.of(LANE),
                        Filters.ALL);
        queue = Queue.open(settings, clock, fatal::set, step -> {});
        lane =
                new Lane(
                        LANE,
                        Improvement.NONE,
                        Collections.nCopies(slots, carrier),
                        link,
                        closures,
                        queue,
                        new Lane.Limits(100, 4, 3),
                        () -> 0.5,
                        clock,
                        fatal::set);
        lane.start();
    }

    @AfterEach
    void end() throws InterruptedException {
        lane.stop();
        lane.join(Duration.ofSeconds(20));
        queue.close();
        assertNull(fatal.get());
    }

    private void restart() throws InterruptedException, QueueException {
        end();
        begin();
    }

    @Test
    void pathsQueuedTogetherAreDeliveredInOneBatchAndUnrooted() throws Exception {
        enqueue(1, 2, 3);
        assertEquals(List.of(1, 2, 3), nextRun());
        awaitSettled();
        assertEquals(3, counts().delivered());
        assertEquals(30, counts().bytes());
        while (folder.resolve("roots").toFile().list().length > 0) {
            Thread.sleep(1); // removed after the commit; the timeout can end it
        }
    }

    @Test
    void onANearLinkOneChildGetsAllDuePathsOnceTheLinkHasSettled() throws Exception {
        var fake = new FakeLink();
        fake.settlesIn = 60_000;
        link = fake;
        slots = 4;
        restart();
        assertFalse(fake.opened, "nothing is due");
        enqueue(IntStream.range(0, 40).toArray());
        assertNoRun();
        assertTrue(fake.opened);
        fake.near = true;
        fake.settlesIn = 0;
        queue.wake();
        assertEquals(40, nextRun().size());
        awaitSettled();
        lane.stop();
        lane.join(Duration.ofSeconds(20));
        assertTrue(fake.closed);
    }

    @Test
    void onAFarLinkAllSlotsGetAnEvenPart() throws Exception {
        slots = 4;
        restart();
        enqueue(IntStream.range(0, 40).toArray());
        for (int slot = 0; slot < 4; slot++) {
            assertEquals(10, nextRun().size());
        }
        awaitSettled();
    }

    /** Otherwise a burst of builds waits for child processes that carry a path or two. */
    @Test
    void pathsThatArriveOneByOneShareFewChildren() throws Exception {
        long began = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            enqueue(i);
        }
        awaitSettled();
        long millis = (System.nanoTime() - began) / 1_000_000;
        long mostLooks = millis / 50 + 1;
        assertTrue(
                carrier.runs.size() <= mostLooks,
                carrier.runs.size() + " children in " + millis + "ms");
        assertEquals(100, carrier.runs.stream().mapToInt(List::size).sum());
    }

    @Test
    void anOutageOpensTheBreakerAndOnePathIsTriedAfterTheDelay() throws Exception {
        carrier.down = true;
        enqueue(1, 2, 3, 4, 5);
        Breaker open = awaitBreaker(1);
        assertRuns(List.of(1, 2, 3, 4, 5), List.of(1), List.of(2), List.of(3));
        assertEquals(START + 5_000, open.until());
        assertEquals("connection refused", open.reason());

        pass(Duration.ofSeconds(4));
        assertNoRun();
        pass(Duration.ofSeconds(1));
        assertEquals(List.of(5), nextRun());
        assertEquals(START + 15_000, awaitBreaker(2).until());

        carrier.down = false;
        pass(Duration.ofSeconds(10));
        awaitSettled();
        assertEquals(5, counts().delivered());
        assertEquals(Breaker.CLOSED, counts().breaker());
    }

    @Test
    void theBreakerStaysOpenAcrossARestart() throws Exception {
        carrier.down = true;
        enqueue(1, 2, 3);
        Breaker open = awaitBreaker(1);
        carrier.runs.clear();
        restart();
        assertEquals(open, counts().breaker());
        assertNoRun();
        enqueue(4);
        assertNoRun();
        carrier.down = false;
        pass(Duration.ofSeconds(5));
        awaitSettled();
    }

    @Test
    void neitherArrivalsNorARestartShortenABackOff() throws Exception {
        carrier.bad.add(Paths.path(1));
        enqueue(1, 2);
        assertEquals(1, awaitDeferred(1).failures());
        long due = row(1).dueAt();
        assertEquals(START + 5_000, due);
        carrier.runs.clear();

        enqueue(3);
        assertEquals(List.of(3), nextRun());
        enqueue(1);
        restart();
        assertNoRun();
        assertEquals(due, row(1).dueAt());
        assertEquals(1, row(1).failures());

        pass(Duration.ofSeconds(5));
        assertEquals(List.of(1), nextRun());
    }

    @Test
    void aClockThatWasSetBackDoesNotHoldAPathForever() throws Exception {
        carrier.bad.add(Paths.path(1));
        enqueue(1, 2);
        awaitDeferred(1);
        carrier.runs.clear();
        carrier.bad.clear();
        clock.millis.set(START - Duration.ofDays(400).toMillis());
        queue.wake();
        assertEquals(List.of(1), nextRun());
        awaitSettled();
    }

    @Test
    void aClockThatWasSetBackDoesNotHoldABreakerOpen() throws Exception {
        carrier.down = true;
        enqueue(1, 2, 3);
        awaitBreaker(1);
        carrier.down = false;
        clock.millis.set(START - Duration.ofDays(400).toMillis());
        queue.wake();
        awaitSettled();
    }

    @Test
    void aBadPathFailsAfterTheAttemptLimitAndTheOthersAreDelivered() throws Exception {
        carrier.bad.add(Paths.path(1));
        enqueue(1, 2);
        for (int attempt = 1; attempt < 3; attempt++) {
            assertEquals(attempt, awaitDeferred(attempt).failures());
            clock.millis.addAndGet(1); // paths that are delivered later than it failed
            enqueue(10 + attempt);
            awaitOutstanding(1);
            pass(Duration.ofSeconds(60));
        }
        awaitOutstanding(0);
        assertEquals(DeliveryRow.State.FAILED, row(1).state());
        assertEquals(3, row(1).failures());
        assertEquals("connection refused", row(1).reason());
        assertEquals(1, folder.resolve("roots").toFile().list().length);
    }

    @Test
    void aPauseIsDurableAndEndsTheCurrentRound() throws Exception {
        var gate = new CountDownLatch(1);
        carrier.gate = gate;
        carrier.bad.add(Paths.path(1));
        enqueue(1, 2, 3);
        assertEquals(List.of(1, 2, 3), nextRun());
        pause(true);
        carrier.gate = null;
        gate.countDown();
        assertNoRun();
        restart();
        assertNoRun();
        assertEquals(3, counts().fresh());
        pause(false);
        assertEquals(List.of(1, 2, 3), nextRun());
        assertEquals(1, awaitDeferred(1).failures());
        assertEquals(2, counts().delivered());
    }

    @Test
    void aPauseAfterASuccessfulTrialClosesTheBreaker() throws Exception {
        carrier.down = true;
        enqueue(1, 2, 3);
        awaitBreaker(1);
        carrier.runs.clear();
        carrier.down = false;
        var gate = new CountDownLatch(1);
        carrier.gate = gate;
        pass(Duration.ofSeconds(5));
        assertEquals(1, nextRun().size());
        pause(true);
        gate.countDown();
        carrier.gate = null;
        awaitBreaker(0);
        assertEquals(2, counts().outstanding());
        pause(false);
        awaitSettled();
    }

    @Test
    void aTrialOfADeletedPathDoesNotCloseTheBreaker() throws Exception {
        carrier.down = true;
        enqueue(1, 2, 3, 4, 5);
        awaitBreaker(1);
        carrier.gone.add(Paths.path(5));
        carrier.runs.clear();
        pass(Duration.ofSeconds(5));
        Breaker open = awaitBreaker(2);
        assertRuns(List.of(5), List.of(4));
        assertEquals(START, open.since());
        assertEquals(DeliveryRow.State.FAILED, row(5).state());
        assertEquals("gone", row(5).reason());
    }

    @Test
    void aStopDuringABatchLeavesItsPathsQueued() throws Exception {
        carrier.gate = new CountDownLatch(1);
        enqueue(1, 2);
        assertEquals(List.of(1, 2), nextRun());
        assertEquals(2, lane.running().getFirst().paths());
        carrier.gate = null;
        lane.stop();
        lane.join(Duration.ofSeconds(20));
        assertEquals(List.of(), lane.running());
        assertEquals(2, counts().fresh());
        restart();
        assertEquals(List.of(1, 2), nextRun());
        awaitSettled();
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
            carrier.bad.add(Paths.path(1));
            enqueue(1, 2);
            awaitDeferred(1);
            lane.stop();
            lane.join(Duration.ofSeconds(10));
        } finally {
            logger.detachAppender(appender);
        }
        String bad = Paths.path(1).toString();
        String good = Paths.path(2).toString();
        for (String each :
                List.of(
                        LANE + ": 2 paths not taken | " + LANE + " [" + bad + ", " + good + "]",
                        LANE + ": delivered " + good + " | " + LANE + " [" + good + "]")) {
            assertTrue(told.contains(each), told::toString);
        }
        assertTrue(told.stream().allMatch(each -> each.contains(" | " + LANE)), told::toString);
        assertTrue(
                told.stream().anyMatch(each -> each.contains("deferred " + bad)), told::toString);
    }

    @Test
    void retryTriesADeferredPathAtOnce() throws Exception {
        carrier.bad.add(Paths.path(1));
        enqueue(1, 2);
        awaitDeferred(1);
        carrier.bad.clear();
        carrier.runs.clear();
        queue.call(t -> t.retries().retryAll(clock.millis()));
        assertEquals(List.of(1), nextRun());
        awaitSettled();
    }

    @Test
    void manyBadPathsAtTheHeadDelayTheOthersByFewTrials() throws Exception {
        pause(true);
        for (int bad = 1; bad <= 9; bad++) {
            carrier.bad.add(Paths.path(bad));
            enqueue(bad);
        }
        for (int good = 10; good < 40; good++) {
            enqueue(good);
        }
        pause(false);
        for (int i = 0; i < 4 && counts().delivered() < 30; i++) {
            awaitQuiet();
            pass(Duration.ofSeconds(6));
        }
        awaitQuiet();
        assertEquals(30, counts().delivered());
    }

    /** As in {@code DeliveryPolicySimulationTest}, with the real lane and the real queue. */
    @Test
    void despiteOutagesAndRestartsEveryGoodPathIsDeliveredAndNoneIsBlamed() throws Exception {
        Long given = Long.getLong("hookqueue.seed");
        long seed = given == null ? System.nanoTime() : given;
        var random = new Random(seed);
        var good = new HashSet<Integer>();
        for (int number = 0; number < 120; number++) {
            if (random.nextInt(10) == 0) {
                carrier.bad.add(Paths.path(number));
            } else {
                good.add(number);
            }
            enqueue(number);
            switch (random.nextInt(12)) {
                case 0 -> restart();
                case 1 -> {
                    awaitQuiet(); // outages begin and end between rounds, so none is too short
                    carrier.down = !carrier.down;
                }
                case 2, 3, 4 -> {
                    awaitQuiet();
                    pass(Duration.ofSeconds(random.nextInt(900)));
                }
                default -> {}
            }
            for (DeliveryRow row : queue.call(t -> t.reports().list(0, 1_000))) {
                boolean bad = carrier.bad.contains(row.path());
                assertTrue(bad || row.failures() == 0, () -> row + " -Dhookqueue.seed=" + seed);
            }
        }
        awaitQuiet();
        carrier.down = false;
        for (int i = 0; i < 40 && !carrier.taken.containsAll(good); i++) {
            pass(Duration.ofMinutes(20));
            awaitQuiet();
        }
        String told = "-Dhookqueue.seed=" + seed;
        assertEquals(good, Set.copyOf(carrier.taken), told);
        assertEquals(good.size(), counts().delivered(), told);
    }

    /** The lane then waits 10 s by the real clock. */
    @Test
    void aVerdictThatCannotBeRecordedIsRecordedLaterWithoutAnotherUpload() throws Exception {
        sql("CREATE TRIGGER full BEFORE DELETE ON delivery BEGIN SELECT raise(ABORT, 'full'); END");
        enqueue(1);
        assertEquals(List.of(1), nextRun());
        while (!laneIsIn("sleep")) {
            Thread.sleep(1);
        }
        assertEquals(1, counts().fresh());
        sql("DROP TRIGGER full");
        awaitSettled();
        assertNoRun();
        assertEquals(1, counts().delivered());
    }

    /** Each failed path may hang for the stall timeout, and there is one slot. */
    @Test
    void freshPathsDoNotWaitForManyFailedOnes() throws Exception {
        for (int bad = 1; bad <= 3; bad++) {
            carrier.bad.add(Paths.path(bad));
        }
        enqueue(1, 2, 3, 4);
        awaitQuiet();
        assertEquals(3, counts().deferred());
        carrier.runs.clear();
        var gate = new CountDownLatch(1);
        carrier.gate = gate;
        pass(Duration.ofSeconds(6));
        List<Integer> first = nextRun();
        assertEquals(1, first.size(), "they were blamed, and go one by one");
        enqueue(5);
        carrier.gate = null;
        gate.countDown();
        List<Integer> second = nextRun();
        assertTrue(second.equals(List.of(5)) || nextRun().equals(List.of(5)), "they take turns");
        awaitQuiet();
        assertEquals(2, counts().delivered());
    }

    @Test
    void severalChildrenRunInParallelAndEachIsRecordedWhenItEnds() throws Exception {
        slots = 3;
        restart();
        pause(true);
        for (int number = 0; number < 12; number++) {
            enqueue(number);
        }
        var gate = new CountDownLatch(1);
        carrier.gate = gate;
        pause(false);
        var handed = new HashSet<Integer>();
        for (int i = 0; i < 3; i++) {
            handed.addAll(nextRun());
        }
        assertEquals(12, handed.size(), "nothing is handed over twice");
        assertEquals(3, lane.running().size());
        assertEquals(
                "it is on its way, with 3 others",
                lane.waitsFor(Paths.path(0)).get(20, TimeUnit.SECONDS).orElseThrow());
        carrier.gate = null;
        gate.countDown();
        awaitSettled();
        assertEquals(12, counts().delivered());
    }

    @Test
    void aPathWaitsForADependencyInAnotherSlotAndReportsIt() throws Exception {
        slots = 2;
        long shared = ClosureGraph.digest(Paths.path(99));
        closures =
                paths -> {
                    var members = new ArrayList<ClosureSource.Member>();
                    members.add(new ClosureSource.Member(shared, new long[0], 1));
                    for (StorePath path : paths) {
                        long digest = ClosureGraph.digest(path);
                        members.add(new ClosureSource.Member(digest, new long[] {shared}, 1));
                    }
                    return Optional.of(members);
                };
        restart();
        var gate = new CountDownLatch(1);
        carrier.gate = gate;
        enqueue(1);
        assertEquals(List.of(1), nextRun());
        enqueue(2);
        String answer = lane.waitsFor(Paths.path(2)).get(20, TimeUnit.SECONDS).orElse("");
        while (!answer.equals(
                "it waits for " + Paths.path(1) + ": both need something that is being sent")) {
            answer = lane.waitsFor(Paths.path(2)).get(20, TimeUnit.SECONDS).orElse("");
        }
        assertEquals(List.of(), List.copyOf(carrier.runs));
        carrier.gate = null;
        gate.countDown();
        assertEquals(List.of(2), nextRun());
        awaitSettled();
    }

    @Test
    void aStopEndsEveryChildAndLeavesItsPathsQueued() throws Exception {
        slots = 3;
        restart();
        carrier.gate = new CountDownLatch(1);
        enqueue(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        for (int i = 0; i < 3; i++) {
            nextRun();
        }
        lane.stop();
        lane.join(Duration.ofSeconds(20));
        assertEquals(List.of(), lane.running());
        assertEquals(12, counts().fresh());
        carrier.gate = null;
    }

    /** The queue has an exclusive lock, so this uses the queue's connection on its thread. */
    private void sql(String statement) throws Exception {
        var field = QueueTransaction.class.getDeclaredField("connection");
        field.setAccessible(true);
        queue.call(transaction -> {
            try (var s = connection(field, transaction).createStatement()) {
                return s.execute(statement);
            }
        });
    }

    private static Connection connection(Field field, QueueTransaction transaction) {
        try {
            return (Connection) field.get(transaction);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private void enqueue(int... numbers) throws Exception {
        var paths = new ArrayList<StorePath>();
        for (int number : numbers) {
            paths.add(Paths.path(number));
        }
        queue.enqueue(paths, null);
    }

    private void pause(boolean paused) throws Exception {
        queue.call(t -> {
            if (paused) {
                t.meta().pause(clock.millis(), 0);
            } else {
                t.meta().resume();
            }
            return true;
        });
    }

    private void pass(Duration time) {
        clock.millis.addAndGet(time.toMillis());
        queue.wake();
    }

    private List<Integer> nextRun() throws InterruptedException {
        List<Integer> run = carrier.runs.poll(20, TimeUnit.SECONDS);
        assertFalse(run == null, "no run");
        return run;
    }

    @SafeVarargs
    private void assertRuns(List<Integer>... expected) throws InterruptedException {
        for (List<Integer> run : expected) {
            assertEquals(run, nextRun());
        }
    }

    /** Asserts that the lane has seen the current queue and sleeps, without a run since. */
    private void assertNoRun() throws Exception {
        awaitQuiet();
        assertEquals(List.of(), List.copyOf(carrier.runs));
    }

    /** Waits until the lane waits for the queue to change or for time to pass. */
    private void awaitQuiet() throws Exception {
        int calm = 0;
        while (calm < 3) {
            long version = queue.version();
            queue.call(t -> true); // the lane's earlier requests are answered
            boolean waits =
                    lane.running().isEmpty()
                            && laneIsIn("awaitChange")
                            && queue.version() == version;
            calm = waits ? calm + 1 : 0;
            Thread.sleep(1);
        }
    }

    private static boolean laneIsIn(String method) {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(entry -> entry.getKey().getName().equals("lane " + LANE))
                .flatMap(entry -> List.of(entry.getValue()).stream())
                .anyMatch(frame -> frame.getMethodName().equals(method));
    }

    private LaneCounts counts() throws Exception {
        return queue.call(t -> t.reports().lanes()).getFirst();
    }

    private DeliveryRow row(int number) throws Exception {
        return queue.call(t -> t.reports().standing(Paths.path(number))).getFirst();
    }

    private Breaker awaitBreaker(int failures) throws Exception {
        while (counts().breaker().failures() != failures) {
            queue.awaitChange(queue.version(), 10);
        }
        return counts().breaker();
    }

    private DeliveryRow awaitDeferred(int failures) throws Exception {
        while (true) {
            List<DeliveryRow> rows = queue.call(t -> t.reports().standing(Paths.path(1)));
            if (!rows.isEmpty() && rows.getFirst().failures() == failures) {
                return rows.getFirst();
            }
            queue.awaitChange(queue.version(), 10);
        }
    }

    private void awaitOutstanding(int most) throws Exception {
        while (counts().outstanding() > most) {
            queue.awaitChange(queue.version(), 10);
        }
        awaitQuiet();
    }

    private void awaitSettled() throws Exception {
        while (counts().outstanding() > 0) {
            queue.awaitChange(queue.version(), 10);
        }
    }
}
