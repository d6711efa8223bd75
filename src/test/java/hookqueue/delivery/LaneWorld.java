package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import hookqueue.base.Filters;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A real lane on a real queue, with a fake destination and a fake clock. */
final class LaneWorld {
    static final String LANE = "file:///cache";
    static final long START = 1_800_000_000_000L;

    private final Path folder;
    final Clock clock = new Clock();
    final FakeCarrier carrier = new FakeCarrier();

    /** These count from the next {@link #restart}. */
    int slots = 1;

    Link link = Links.FAR;
    ClosureSource closures = ClosureSource.NONE;
    Queue queue;
    Lane lane;
    private final AtomicReference<Throwable> fatal = new AtomicReference<>();

    LaneWorld(Path folder) throws IOException, QueueException {
        this.folder = folder;
        Files.createDirectories(folder.resolve("state"));
        Files.createDirectories(folder.resolve("roots"));
        begin();
    }

    /** Stands still until it is set. */
    static final class Clock implements InstantSource {
        final AtomicLong millis = new AtomicLong(START);

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(millis.get());
        }
    }

    /** Refuses the paths that a test sets, and records each run. */
    static final class FakeCarrier implements Transport {
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

    private void begin() throws QueueException {
        var settings =
                new Queue.Settings(
                        folder.resolve("state"),
                        folder.resolve("roots"),
                        "/nix/store",
                        List.of(LANE),
                        Map.of(),
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

    void end() throws InterruptedException {
        lane.stop();
        lane.join(Duration.ofSeconds(20));
        queue.close();
        assertNull(fatal.get());
    }

    void restart() throws InterruptedException, QueueException {
        end();
        begin();
    }

    /** The queue has an exclusive lock, so this uses the queue's connection on its thread. */
    void sql(String statement) throws Exception {
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

    void enqueue(int... numbers) throws Exception {
        var paths = new ArrayList<StorePath>();
        for (int number : numbers) {
            paths.add(Paths.path(number));
        }
        queue.call(t -> {
            t.paths().enqueue(Filters.ALL.select(paths), null, clock.millis());
            return true;
        });
    }

    void pause(boolean paused) throws Exception {
        queue.call(t -> {
            if (paused) {
                t.meta().pause(clock.millis(), 0);
            } else {
                t.meta().resume();
            }
            return true;
        });
    }

    void pass(Duration time) {
        clock.millis.addAndGet(time.toMillis());
        queue.wake();
    }

    List<Integer> nextRun() throws InterruptedException {
        List<Integer> run = carrier.runs.poll(20, TimeUnit.SECONDS);
        assertFalse(run == null, "no run");
        return run;
    }

    @SafeVarargs
    final void assertRuns(List<Integer>... expected) throws InterruptedException {
        for (List<Integer> run : expected) {
            assertEquals(run, nextRun());
        }
    }

    /** Asserts that the lane has seen the current queue and sleeps, without a run since. */
    void assertNoRun() throws Exception {
        awaitQuiet();
        assertEquals(List.of(), List.copyOf(carrier.runs));
    }

    /** Waits until the lane waits for the queue to change or for time to pass. */
    void awaitQuiet() throws Exception {
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

    static boolean laneIsIn(String method) {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(entry -> entry.getKey().getName().equals("lane " + LANE))
                .flatMap(entry -> List.of(entry.getValue()).stream())
                .anyMatch(frame -> frame.getMethodName().equals(method));
    }

    LaneCounts counts() throws Exception {
        return queue.call(t -> t.reports().lanes()).getFirst();
    }

    DeliveryRow row(int number) throws Exception {
        return queue.call(t -> t.reports().standing(Paths.path(number))).getFirst();
    }

    Breaker awaitBreaker(int failures) throws Exception {
        while (counts().breaker().failures() != failures) {
            queue.awaitChange(queue.version(), 10);
        }
        return counts().breaker();
    }

    DeliveryRow awaitDeferred(int failures) throws Exception {
        while (true) {
            List<DeliveryRow> rows = queue.call(t -> t.reports().standing(Paths.path(1)));
            if (!rows.isEmpty() && rows.getFirst().failures() == failures) {
                return rows.getFirst();
            }
            queue.awaitChange(queue.version(), 10);
        }
    }

    void awaitOutstanding(int most) throws Exception {
        while (counts().outstanding() > most) {
            queue.awaitChange(queue.version(), 10);
        }
        awaitQuiet();
    }

    void awaitSettled() throws Exception {
        while (counts().outstanding() > 0) {
            queue.awaitChange(queue.version(), 10);
        }
    }
}
