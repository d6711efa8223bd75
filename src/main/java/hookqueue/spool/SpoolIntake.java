package hookqueue.spool;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import java.time.InstantSource;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes paths out of the spool and queues them.
 *
 * <pre>
 *   files read ─► filtered ─► queued: committed and rooted ─► files removed
 * </pre>
 *
 * <p>If it is killed before the last step, the next worker takes the files in again; queueing a
 * path twice changes nothing.
 *
 * <p>It runs on the caller's thread: the main thread at the start and periodically, and sessions
 * before they answer a client that asks about the queue. So the answer includes the paths that a
 * hook spooled before the request.
 */
public final class SpoolIntake {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolIntake.class);

    private final Spool spool;
    private final Queue queue;
    private final Filters filters;
    private final InstantSource clock;

    /** The last problem, logged once. */
    private String lastTrouble = "";

    public SpoolIntake(Spool spool, Queue queue, Filters filters, InstantSource clock) {
        this.spool = spool;
        this.queue = queue;
        this.filters = filters;
        this.clock = clock;
    }

    /** Removes what killed hooks left half written, and takes in the first files. */
    public void begin() throws InterruptedException {
        spool.removeLeftovers(clock.instant());
        takeIn();
    }

    /**
     * Takes in waiting files, some hundred in one commit, and returns whether more may wait. If the
     * commit fails, the files stay and the journal gives the reason.
     */
    // Synchronized: two threads would read the same files. It guards the spool's state, too.
    public synchronized boolean takeIn() throws InterruptedException {
        List<Spool.Batch> waiting = spool.waiting();
        if (waiting.isEmpty()) {
            return false;
        }
        Filters.Selection paths =
                filters.select(waiting.stream().flatMap(batch -> batch.paths().stream()).toList());
        try {
            queue.call(transaction -> {
                transaction.paths().enqueue(paths, null, clock.millis());
                for (StorePath path : paths.excluded()) { // a hook roots what it spools
                    transaction.paths().unrootUnlessQueued(path);
                }
                return true;
            });
        } catch (QueueException e) {
            if (!e.getMessage().equals(lastTrouble)) { // the problem may last for hours
                LOG.error("cannot take in what is in the spool: {}", e.getMessage());
            }
            lastTrouble = e.getMessage();
            return false;
        }
        lastTrouble = "";
        LOG.info("took in {} paths from {} spool files", paths.taken().size(), waiting.size());
        waiting.forEach(spool::done);
        return true;
    }
}
