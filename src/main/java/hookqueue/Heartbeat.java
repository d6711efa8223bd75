package hookqueue;

import hookqueue.protocol.Listener;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.spool.SpoolIntake;
import hookqueue.systemd.Notify;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code heartbeat}: feeds systemd's watchdog, while the accepting thread takes turns
 * and the queue answers. It exists only under a unit with {@code WatchdogSec=}, and is the only
 * timer of a worker that has nothing to do but wait.
 *
 * <p>It takes in the spool, too: paths that a hook spools while this worker runs wait for one beat
 * at most.
 */
final class Heartbeat {
    private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

    /** A beat may be late twice. */
    private static final int BEATS_PER_LIMIT = 3;

    private final Duration every;
    private final Listener listener;
    private final @Nullable SpoolIntake intake;
    private final @Nullable Queue queue;
    private final Notify notify;
    private final Thread thread = new Thread(this::serve, "heartbeat");

    /**
     * @param every time between two beats
     * @param intake null when there is no queue
     * @param queue null when there is none to ask
     */
    private Heartbeat(
            Duration every,
            Listener listener,
            @Nullable SpoolIntake intake,
            @Nullable Queue queue,
            Notify notify) {
        this.every = every;
        this.listener = listener;
        this.intake = intake;
        this.queue = queue;
        this.notify = notify;
        thread.setDaemon(true);
    }

    /** Starts the thread, unless systemd does not watch this process. */
    static Heartbeat start(
            Map<String, String> environment,
            Listener listener,
            @Nullable SpoolIntake intake,
            @Nullable Queue queue,
            Notify notify) {
        String limit = environment.getOrDefault("WATCHDOG_USEC", "");
        boolean watched = limit.matches("[1-9][0-9]{0,17}");
        long micros = watched ? Long.parseLong(limit) / BEATS_PER_LIMIT : 0;
        var heartbeat =
                new Heartbeat(Duration.ofNanos(micros * 1_000), listener, intake, queue, notify);
        if (watched) {
            heartbeat.thread.start();
        }
        return heartbeat;
    }

    /** Ends it; nothing is sent afterwards. */
    void stop() throws InterruptedException {
        thread.interrupt();
        thread.join();
    }

    private void serve() {
        try {
            while (true) {
                beat();
                Thread.sleep(every);
            }
        } catch (InterruptedException e) {
            LOG.debug("the heartbeat ends");
        }
    }

    private void beat() throws InterruptedException {
        listener.awaitTurn();
        try {
            if (intake != null) {
                intake.takeIn();
            }
            if (queue != null) {
                queue.call(transaction -> true);
            }
            notify.watchdog();
        } catch (QueueException e) {
            LOG.debug("no heartbeat: {}", e.getMessage()); // the status says so, too
        }
    }
}
