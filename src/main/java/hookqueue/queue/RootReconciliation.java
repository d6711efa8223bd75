package hookqueue.queue;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.roots.GcRoots;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the database and the roots match, a page at a time, because either may be larger than
 * memory. It runs at a start after an unclean end, after roots could not be made or removed for a
 * while, and once more before the worker reports that the queue is empty.
 *
 * <pre>
 *   row       root
 *   unsettled missing    makes the root
 *   settled   exists     removes the root
 *   none      exists     queues the path: its row was lost, or a hook made the root and is about to spool
 * </pre>
 */
final class RootReconciliation {
    private static final Logger LOG = LoggerFactory.getLogger(RootReconciliation.class);
    private static final int PAGE = 1_000;

    private final GcRoots roots;
    private final Queue.Settings settings;
    private final InstantSource clock;

    /** The last row that {@link #mend} has handled; 0 while it is not running. */
    private long mendedUpTo;

    RootReconciliation(GcRoots roots, Queue.Settings settings, InstantSource clock) {
        this.roots = roots;
        this.settings = settings;
        this.clock = clock;
    }

    /** Reconciles everything, before the queue's thread runs. */
    void atStart(QueueTransaction transaction, Consumer<String> progress) throws SQLException {
        long after = 0;
        long looked = 0;
        do {
            after = transaction.roots().rootSome(after, PAGE);
            looked += commit(transaction);
            if (looked > 0) {
                progress.accept("looked for the roots of " + looked + " paths");
            }
        } while (after > 0);
        int strangers = 0;
        looked = 0;
        try (GcRoots.Listing all = roots.list()) {
            for (var page = all.next(PAGE); !page.isEmpty(); page = all.next(PAGE)) {
                looked += page.size();
                progress.accept("looked for the paths of " + looked + " roots");
                strangers += queueStrangers(transaction, settings.filters().select(page), true);
                commit(transaction);
            }
        }
        roots.sync();
        tellOf(strangers);
    }

    /** Returns how many roots it made or removed. */
    private int commit(QueueTransaction transaction) throws SQLException {
        List<GcRoots.Change> changes = transaction.commit().roots();
        for (GcRoots.Change change : changes) {
            if (change.add()) {
                roots.addIfMissing(change.path());
            } else {
                roots.remove(change.path());
            }
        }
        return changes.size();
    }

    /** See {@link Queue#mendRoots}. */
    boolean mend(Queue queue) throws QueueException, InterruptedException {
        long from = mendedUpTo;
        if (from == 0 && !roots.beginToMend()) {
            return false;
        }
        mendedUpTo = queue.call(transaction -> transaction.roots().rootSome(from, PAGE));
        if (mendedUpTo == 0) {
            look(queue, true);
            roots.endOfMending();
        }
        return mendedUpTo > 0;
    }

    /** Queues the paths that have a root and no row. */
    void look(Queue queue, boolean unrootSettled) throws QueueException, InterruptedException {
        int strangers = 0;
        try (GcRoots.Listing all = roots.list()) {
            for (var page = all.next(PAGE); !page.isEmpty(); page = all.next(PAGE)) {
                // outside the queue's thread, because a filter may be slow
                Filters.Selection some = settings.filters().select(page);
                strangers +=
                        queue.call(transaction -> queueStrangers(transaction, some, unrootSettled));
            }
        }
        tellOf(strangers);
    }

    /** Returns how many of the rooted paths it queued. */
    private int queueStrangers(
            QueueTransaction transaction, Filters.Selection rooted, boolean unrootSettled)
            throws SQLException {
        var strangers = new ArrayList<StorePath>();
        for (StorePath path : rooted.taken()) {
            Optional<Boolean> settled = transaction.roots().isSettled(path);
            if (settled.isEmpty()) {
                strangers.add(path);
            } else if (unrootSettled && settled.get()) {
                transaction.paths().unrootUnlessQueued(path);
            }
        }
        if (!strangers.isEmpty()) {
            var found = new Filters.Selection(strangers, List.of(), rooted.except());
            transaction.paths().enqueueUntagged(found, clock.millis());
        }
        for (StorePath path : rooted.excluded()) {
            if (unrootSettled && transaction.roots().isSettled(path).orElse(true)) {
                transaction.paths().unrootUnlessQueued(path);
            }
        }
        return strangers.size();
    }

    private void tellOf(int strangers) {
        if (strangers > 0) {
            LOG.warn(
                    "queued {} paths that have a root in {} and were not in the database",
                    strangers,
                    settings.rootsDir());
        }
    }
}
