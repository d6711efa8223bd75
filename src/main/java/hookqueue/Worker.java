package hookqueue;

import hookqueue.command.CommandHandler;
import hookqueue.command.ExplainCommand;
import hookqueue.command.UnavailableHandler;
import hookqueue.delivery.Drain;
import hookqueue.delivery.Lane;
import hookqueue.nix.Nix;
import hookqueue.process.ChildEnvironment;
import hookqueue.process.ChildProcess;
import hookqueue.protocol.Listener;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.Overview;
import hookqueue.report.RestartDue;
import hookqueue.report.StatusText;
import hookqueue.spool.Spool;
import hookqueue.spool.SpoolIntake;
import hookqueue.systemd.InheritedSockets;
import hookqueue.systemd.Notify;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of the worker, from its start to its exit.
 *
 * <pre>
 *   settings ─► sockets ─► queue, spool ─► lanes ─► READY=1 ─► listener runs … ─► idle, SIGTERM or a bug
 *      └─ wrong ─┐            └─ unusable ─┐                                          │
 *                ▼                         ▼                                          ▼
 *   UnavailableHandler: refuses every client, so that hooks spool      STOPPING=1 ─► lanes stop their children
 *                                                                            ─► sessions ─► queue closed ─► exit
 * </pre>
 */
final class Worker {
    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);
    private static final Duration LANES_END = Duration.ofSeconds(7);

    private static final Duration SESSIONS_END = Duration.ofSeconds(1);

    private final Map<String, String> environment;
    private final InstantSource clock;
    private final AtomicReference<@Nullable Throwable> bug = new AtomicReference<>();
    private final Thread prepared = new Thread(Queue::prepare, "prepare");

    /** Guards {@link #listener}. */
    private final Object life = new Object();

    private @Nullable Listener listener;
    private volatile boolean stopRequested;
    private volatile boolean restarts;

    Worker(Map<String, String> environment, InstantSource clock) {
        this.environment = environment;
        this.clock = clock;
    }

    /** Serves until the worker is idle, until {@link #stop()}, or until a fatal error. */
    Exit run() throws InterruptedException {
        // A bug in any thread ends the worker.
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> fail(thrown));
        // SQLite's driver makes a date format for the default time zone, which it never uses. For
        // that the JDK would read the rules of every zone (20 ms). So the default is a simple zone
        // until the queue is open; nothing shows a time before.
        TimeZone.setDefault(new SimpleTimeZone(0, "UTC"));
        // In parallel with the rest of the start, which takes as long.
        prepared.setDaemon(true);
        prepared.start();
        var notify = new Notify(environment);
        Settings.Reading reading = Settings.read(environment);
        List<AFUNIXServerSocketChannel> sockets;
        try {
            sockets = InheritedSockets.adopt(environment, ProcessHandle.current().pid());
        } catch (IOException e) {
            if (reading instanceof Settings.Reading.Mistakes mistakes) {
                mistakes.all().forEach(mistake -> LOG.error("{}", mistake));
            }
            LOG.error("{}", e.getMessage());
            return reading instanceof Settings.Reading.Mistakes ? Exit.CONFIG : Exit.NO_SOCKET;
        }
        try {
            if (reading instanceof Settings.Reading.Good good) {
                return serve(good, sockets, notify);
            }
            List<String> mistakes = ((Settings.Reading.Mistakes) reading).all();
            return refuse(sockets, notify, mistakes, Exit.CONFIG);
        } catch (IOException e) {
            LOG.error("the listening sockets cannot be used", e);
            return Exit.BUG;
        }
    }

    /** Makes {@link #run} return soon; may be called from any thread, also before it. */
    void stop() {
        stopRequested = true;
        stopListener();
    }

    /** Makes {@link #run} return soon, for another worker with new settings. */
    private void restart() {
        restarts = true;
        stopListener();
    }

    private void stopListener() {
        synchronized (life) {
            if (listener != null) {
                listener.stop();
            }
        }
    }

    private void fail(Throwable thrown) {
        if (bug.compareAndSet(null, thrown)) {
            LOG.error("the worker cannot go on", thrown);
        }
        stop();
    }

    private Exit refuse(
            List<AFUNIXServerSocketChannel> sockets, Notify notify, List<String> reasons, Exit exit)
            throws IOException, InterruptedException {
        reasons.forEach(line -> LOG.error("{}", line));
        boolean config = exit == Exit.CONFIG;
        String reason = (config ? "configuration: " : "") + String.join("; ", reasons);
        notify.ready(reason);
        var handler =
                new UnavailableHandler(reason, config ? "settings" : "state directory", reasons);
        var refusal = new Listener(sockets, "/nix/store", handler, UnavailableHandler.QUIET);
        var heartbeat = new Heartbeat(environment, refusal, null, null, notify).start();
        CompletableFuture.delayedExecutor(UnavailableHandler.MOST.toSeconds(), TimeUnit.SECONDS)
                .execute(refusal::stop);
        listen(refusal, () -> false);
        heartbeat.stop();
        refusal.closeSessions(SESSIONS_END);
        notify.stopping(reason);
        return exit;
    }

    private Exit serve(
            Settings.Reading.Good good, List<AFUNIXServerSocketChannel> sockets, Notify notify)
            throws IOException, InterruptedException {
        Settings settings = good.settings();
        good.unknown().forEach(name -> LOG.warn("unknown setting {} (ignored)", name));
        Spool spool;
        Queue queue;
        try {
            prepared.join();
            spool = Spool.open(settings.stateDir(), settings.storeDir());
            queue =
                    Queue.open(
                            new Queue.Settings(
                                    settings.stateDir(),
                                    settings.rootsDir(),
                                    settings.storeDir(),
                                    LaneFactory.names(settings),
                                    LaneFactory.urls(settings),
                                    settings.filters()),
                            clock,
                            this::fail,
                            notify::starting);
        } catch (QueueException e) {
            return refuse(sockets, notify, List.of(e.getMessage()), Exit.NO_STATE);
        } finally {
            TimeZone.setDefault(null); // the system's again
        }
        try (queue) {
            var intake = new SpoolIntake(spool, queue, settings.filters(), clock);
            intake.begin();
            var nix = new Nix(settings.nix(), settings.storeDir());
            var factory = new LaneFactory(settings, environment, nix);
            List<Lane> lanes = factory.lanes(queue, clock, this::fail);
            var drain = new Drain(lanes, this::restart);
            var files = new SettingsFiles(environment);
            var restart = new RestartDue(drain, files::edited);
            var overviews = new Overview.Source(queue, lanes, restart, clock);
            var status = new StatusText(ZoneId::systemDefault);
            var explanation =
                    new ExplainCommand(
                            queue,
                            lanes,
                            settings.filters(),
                            nix,
                            new ChildProcess(settings.stallTimeout()),
                            ChildEnvironment.forChildren(environment, settings.stateDir()),
                            clock);
            var commands =
                    new CommandHandler(
                            queue,
                            intake,
                            settings.filters(),
                            settings.storeDir(),
                            overviews,
                            explanation,
                            factory.verification(queue, clock),
                            factory.check(good.unknown()),
                            status,
                            clock,
                            ownUid());
            var open = new Listener(sockets, settings.storeDir(), commands, settings.idleTimeout());
            lanes.forEach(Lane::start);
            notify.ready("ready");
            var housekeeping =
                    new Housekeeping(queue, settings.failedRetention(), clock, open::wake);
            var publisher =
                    new StatusPublisher(
                            queue,
                            intake,
                            overviews,
                            notify,
                            status,
                            settings.metricsFile(),
                            housekeeping,
                            open::wake);
            housekeeping.start();
            publisher.start();
            var heartbeat = new Heartbeat(environment, open, intake, queue, notify).start();
            listen(open, publisher);
            heartbeat.stop();
            publisher.stop();
            housekeeping.stop();
            String why =
                    stopRequested
                            ? "stopped"
                            : restarts ? "restarts with new settings" : "nothing left to do";
            notify.stopping(why);
            lanes.forEach(Lane::stop);
            for (Lane lane : lanes) {
                lane.join(LANES_END);
            }
            open.closeSessions(SESSIONS_END);
            publisher.publishEnd();
            LOG.info("exits: {}; {}", bug.get() != null ? "a bug" : why, done(lanes));
        }
        if (bug.get() != null) {
            return Exit.BUG;
        }
        return restarts && !stopRequested ? Exit.RESTART : Exit.OK;
    }

    /** The last line in the journal: what this worker delivered. */
    private static String done(List<Lane> lanes) {
        var parts = new ArrayList<String>();
        for (Lane lane : lanes) {
            if (lane.delivered() > 0) {
                parts.add(
                        lane.name().equals(LaneStore.SIGN)
                                ? "signed " + lane.delivered()
                                : "delivered " + lane.delivered() + " to " + lane.name());
            }
        }
        return parts.isEmpty() ? "delivered nothing" : String.join(", ", parts);
    }

    private void listen(Listener listener, Listener.Work work)
            throws IOException, InterruptedException {
        synchronized (life) {
            this.listener = listener;
            if (stopRequested || restarts) {
                listener.stop();
            }
        }
        listener.run(work);
    }

    private static long ownUid() throws IOException {
        return ((Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue();
    }
}
