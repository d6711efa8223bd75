package hookqueue.roots;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Makes and removes roots in the order in which their rows were committed; on the thread {@code
 * roots}, while the queue's thread runs the next transaction.
 *
 * <pre>
 *   COMMIT ─► handed over ─► links made and removed ─► their folder synced ─► callers answered
 * </pre>
 *
 * Changes that wait together share one sync. A removal alone is not synced before the queue's end:
 * if a power loss restores the root, the next worker finds it stale.
 */
public final class GcRootThread {
    /** A hook's paths. More could delay the next hook's commit. */
    private static final int FEW = 4;

    private final GcRoots roots;
    private final Consumer<Throwable> fatal;
    private final LinkedBlockingQueue<Work> work = new LinkedBlockingQueue<>();
    private final Thread thread = new Thread(this::serve, "roots");

    /** How often {@link #hand} has left changes to the thread that are not made yet. */
    private final AtomicInteger outstanding = new AtomicInteger();

    private volatile boolean ended;

    /**
     * Not a record: the thread finds it by identity, and a record's first equals adds 20 ms to a
     * start.
     */
    private static final class Work {
        private final List<GcRoots.Change> changes;
        private final Consumer<Boolean> after;

        Work(List<GcRoots.Change> changes, Consumer<Boolean> after) {
            this.changes = changes;
            this.after = after;
        }
    }

    private static final Work END = new Work(List.of(), made -> {});

    public GcRootThread(GcRoots roots, Consumer<Throwable> fatal) {
        this.roots = roots;
        this.fatal = fatal;
    }

    public void start() {
        thread.start();
    }

    /**
     * The continuation runs once. It gets true when the roots are made and on disk; and false,
     * perhaps on this thread, when the thread {@code roots} has ended. Continuations run in the
     * order of the calls. So that of a call without changes runs when all earlier changes are made.
     *
     * <p>This thread makes a few changes itself if nothing else waits: then a hook's answer needs
     * one thread less.
     *
     * @param idle whether the caller has nothing else to do
     */
    public void hand(List<GcRoots.Change> changes, boolean idle, Consumer<Boolean> after) {
        boolean quick = changes.isEmpty() || (idle && changes.size() <= FEW);
        if (quick && outstanding.get() == 0 && !ended) {
            make(List.of(new Work(changes, after)));
            after.accept(true);
            return;
        }
        var handed = new Work(changes, after);
        outstanding.incrementAndGet();
        work.add(handed);
        if (ended && work.remove(handed)) { // no thread takes it from the queue any more
            after.accept(false);
        }
    }

    public void close() throws InterruptedException {
        work.add(END);
        thread.join();
    }

    private void serve() {
        var group = new ArrayDeque<Work>();
        try {
            boolean last = false;
            while (!last) {
                group.add(work.take());
                work.drainTo(group);
                last = group.contains(END);
                make(group);
                while (!group.isEmpty()) {
                    outstanding.decrementAndGet();
                    group.removeFirst().after.accept(true);
                }
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            fatal.accept(e);
        } finally {
            ended = true;
            work.drainTo(group);
            group.forEach(each -> each.after.accept(false));
        }
    }

    private void make(Collection<Work> group) {
        boolean made = false;
        for (Work each : group) {
            for (GcRoots.Change change : each.changes) {
                if (change.add()) {
                    roots.add(change.path());
                    made = true;
                } else {
                    roots.remove(change.path());
                }
            }
        }
        if (made) {
            roots.sync();
        }
    }
}
