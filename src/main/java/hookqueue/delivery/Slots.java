package hookqueue.delivery;

import hookqueue.nix.Progress;
import hookqueue.queue.BatchResult;
import hookqueue.queue.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The threads that wait for a lane's child processes. Each slot has its own transport, runs it for
 * one group, and posts the outcome; it decides nothing. All methods except {@link #running} are for
 * the lane's thread.
 */
final class Slots {
    private final String lane;
    private final Deque<Slot> free = new ArrayDeque<>();
    private final Map<Long, Thread> threads = new LinkedHashMap<>();

    /** By group number, so the oldest comes first. */
    private final Map<Long, Lane.Batch> running = new ConcurrentSkipListMap<>();

    private final Consumer<Ended> posted;

    /** A transport, used by one group at a time. */
    record Slot(int number, Transport transport) {}

    /** The end of a group, or the bug that the transport threw instead of an outcome. */
    record Ended(
            Slot slot,
            DeliveryGroup group,
            DeliveryOutcome outcome,
            Duration took,
            @Nullable Throwable bug) {
        /** What the counters record of it, with its share of the lane's time. */
        BatchResult result(List<Verdict> verdicts, Duration share) {
            BatchResult.Result result =
                    switch (outcome) {
                        case DeliveryOutcome.Delivered _ -> BatchResult.Result.DELIVERED;
                        case DeliveryOutcome.NotTaken _ -> BatchResult.Result.REFUSED;
                        case DeliveryOutcome.Invalid _ -> BatchResult.Result.INVALID;
                        case DeliveryOutcome.Unusable _ -> BatchResult.Result.UNUSABLE;
                        case DeliveryOutcome.Cancelled _ ->
                                throw new IllegalArgumentException("ended with the worker");
                    };
            long arrived = verdicts.stream().filter(v -> v instanceof Verdict.Delivered).count();
            long bytes = outcome instanceof DeliveryOutcome.Delivered done ? done.bytes() : 0;
            return new BatchResult(result, took.toMillis(), (int) arrived, bytes, share.toMillis());
        }
    }

    /** Posts the end of a group on the slot's thread. */
    Slots(String lane, List<Transport> transports, Consumer<Ended> posted) {
        this.lane = lane;
        this.posted = posted;
        for (int i = 0; i < transports.size(); i++) {
            free.addLast(new Slot(i, transports.get(i)));
        }
    }

    /** The running batches, the oldest first; for any thread. */
    List<Lane.Batch> running() {
        return List.copyOf(running.values());
    }

    /** Sends a group in a free slot. Prefers the slot that was used last: it is warm. */
    void start(DeliveryGroup group, Instant now) {
        Slot slot = free.pop();
        var batch = new Lane.Batch(group.members().size(), now, new Progress());
        running.put(group.number(), batch);
        Runnable task = () -> run(slot, group, batch.progress());
        var thread = new Thread(task, "lane " + lane + " slot " + slot.number());
        threads.put(group.number(), thread);
        thread.start();
    }

    private void run(Slot slot, DeliveryGroup group, Progress progress) {
        long began = System.nanoTime(); // the wall clock may be set meanwhile
        DeliveryOutcome outcome = new DeliveryOutcome.Cancelled();
        Throwable bug = null;
        try {
            outcome = slot.transport().carry(group.paths(), progress);
        } catch (RuntimeException | Error e) {
            bug = e;
        }
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        posted.accept(new Ended(slot, group, outcome, took, bug));
    }

    void freed(Ended ended) {
        running.remove(ended.group().number());
        threads.remove(ended.group().number());
        free.push(ended.slot());
    }

    /** Stops every child process, and waits for their ends. */
    void stop() {
        threads.values().forEach(Thread::interrupt);
        awaitEnd(threads.values());
        running.clear();
    }

    /** Waits for threads that end soon, even when interrupted. */
    static void awaitEnd(Collection<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true; // a child is stopped within 5 s
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
