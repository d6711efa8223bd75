package hookqueue;

import hookqueue.protocol.Listener;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.spool.SpoolIntake;
import hookqueue.systemd.Notify;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code heartbeat}: feeds systemd's watchdog, while the accepting thread takes turns
 * and the queue answers, and takes in the spool. It exists only under a unit with {@code
 * WatchdogSec=}, and is the only timer of a worker that has nothing to do but wait.
 */
final class Heartbeat {
    private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

    /** A beat may be late twice. */
    private static final int BEATS_PER_LIMIT = 3;

    /** systemd's limit between two beats; 0 when it does not watch this process. */
    private final long limitMicros;

    private final Listener listener;
    private final @Nullable SpoolIntake intake;
    private final @Nullable Queue queue;
    private final Notify notify;
    private final Thread thread = new Thread(this::serve, "heartbeat");

    /** {@code intake} and {@code queue} are null when there is no queue. */
    Heartbeat(
            Map<String, String> environment,
            Listener listener,
            @Nullable SpoolIntake intake,
            @Nullable Queue queue,
            Notify notify) {
        String limit = environment.getOrDefault("WATCHDOG_USEC", "");
        this.limitMicros = limit.matches("[1-9][0-9]{0,17}") ? Long.parseLong(limit) : 0;
        this.listener = listener;
        this.intake = intake;
        this.queue = queue;
        this.notify = notify;
        thread.setDaemon(true);
    }

    /** Starts the thread, unless systemd does not watch this process. */
    Heartbeat start() {
        if (limitMicros > 0) {
            thread.start();
        }
        return this;
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
                TimeUnit.MICROSECONDS.sleep(limitMicros / BEATS_PER_LIMIT);
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
