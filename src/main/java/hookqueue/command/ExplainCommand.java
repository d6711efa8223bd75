package hookqueue.command;

import hookqueue.base.Filter;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.delivery.Lane;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import hookqueue.protocol.Reply;
import hookqueue.queue.Breaker;
import hookqueue.queue.DeliveryRow;
import hookqueue.queue.LaneCounts;
import hookqueue.queue.Queue;
import hookqueue.queue.QueueException;
import hookqueue.report.DeliveryRowFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answer to {@code explain}: where a path stands, what holds it, and what a filter does with
 * it.
 */
public final class ExplainCommand {
    private static final Logger LOG = LoggerFactory.getLogger(ExplainCommand.class);
    private static final int MOST_SHOWN = 20;

    /** Paths of which one answer keeps hold: a store may have millions of dependants. */
    private static final int MOST_LOOKED_AT = 10_000;

    /**
     * Everybody who may connect may ask, on 64 connections: what each has to wait for is a child.
     */
    private final Semaphore asking = new Semaphore(2, true);

    private static final Duration LANE_ANSWERS = Duration.ofSeconds(5);

    private final Queue queue;
    private final List<Lane> lanes;
    private final Filter filter;
    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> environment;
    private final InstantSource clock;

    public ExplainCommand(
            Queue queue,
            List<Lane> lanes,
            Filter filter,
            Nix nix,
            ChildProcess children,
            Map<String, String> environment,
            InstantSource clock) {
        this.queue = queue;
        this.lanes = lanes;
        this.filter = filter;
        this.nix = nix;
        this.children = children;
        this.environment = environment;
        this.clock = clock;
    }

    private record Known(
            List<DeliveryRow> rows,
            Optional<Long> settledAt,
            List<LaneCounts> lanes,
            boolean paused) {
        boolean any(DeliveryRow.State state) {
            return rows.stream().anyMatch(row -> row.state() == state && row.configured());
        }
    }

    String answer(StorePath path, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Known known =
                queue.call(transaction ->
                        new Known(
                                transaction.reports().standing(path),
                                transaction.reports().settledAt(path),
                                transaction.reports().lanes(),
                                transaction.meta().paused(clock.millis())));
        for (DeliveryRow row : known.rows()) {
            reply.data(DeliveryRowFormat.text(row, nix.storeDir(), clock.instant()));
        }
        boolean taken = filter.test(path);
        boolean here = Files.exists(Path.of(path.in(nix.storeDir())), LinkOption.NOFOLLOW_LINKS);
        if (known.rows().isEmpty()) {
            reply.data(
                    known.settledAt()
                            .map(at ->
                                    "settled at "
                                            + Instant.ofEpochMilli(at)
                                            + ": nothing is left to do for it")
                            .orElse("not queued here, and not remembered as settled"));
            if (taken && here) {
                reply.data(
                        (known.settledAt().isPresent()
                                        ? "if a destination lacks it, queue it again: "
                                        : "queue it: ")
                                + "nix-post-build-hook-queue "
                                + path.in(nix.storeDir()));
            }
        }
        if (known.paused() && !known.rows().isEmpty()) {
            reply.data("the queue is paused; go on: nix-post-build-hook-queue resume");
        }
        for (LaneCounts lane : known.lanes()) {
            Breaker breaker = lane.breaker();
            boolean concerned =
                    known.rows().stream().anyMatch(row -> row.lane().equals(lane.name()));
            if (breaker.open() && concerned) {
                reply.data(
                        lane.name()
                                + " is taken to be down since "
                                + Instant.ofEpochMilli(breaker.since())
                                + ", next try "
                                + Instant.ofEpochMilli(breaker.until())
                                + ": "
                                + Text.oneLine(breaker.reason()));
            }
        }
        for (DeliveryRow row : known.rows()) {
            if (row.configured() && !known.paused() && row.state() == DeliveryRow.State.FRESH) {
                waitsFor(row, reply);
            }
        }
        if (known.any(DeliveryRow.State.FAILED) || known.any(DeliveryRow.State.DEFERRED)) {
            reply.data("try again now: nix-post-build-hook-queue retry " + path.in(nix.storeDir()));
        }
        reply.data("filters: " + (taken ? "taken, " : "excluded, ") + filter.reason(path));
        if (!here) {
            reply.data("it is not in the local store");
        } else if (taken) {
            companions(path, reply);
        } else {
            dependants(path, reply);
        }
        return "ok";
    }

    /** What a lane knows beyond the queue: what its other child processes do. */
    private void waitsFor(DeliveryRow row, Reply reply) throws IOException, InterruptedException {
        for (Lane lane : lanes) {
            if (!lane.name().equals(row.lane())) {
                continue;
            }
            try {
                Optional<String> held =
                        lane.waitsFor(row.path())
                                .get(LANE_ANSWERS.toMillis(), TimeUnit.MILLISECONDS);
                if (held.isPresent()) {
                    reply.data(row.lane() + ": " + held.get());
                }
            } catch (TimeoutException | ExecutionException e) {
                LOG.debug("lane {} does not answer: {}", row.lane(), e.toString());
            }
        }
    }

    /** A copy takes the whole closure along, whatever the filters say of its members. */
    private void companions(StorePath path, Reply reply) throws IOException, InterruptedException {
        Found excluded = ask(nix.closure(path), member -> !filter.test(member), MOST_SHOWN);
        for (StorePath member : excluded.first()) {
            reply.data(
                    "goes along in its closure although it is excluded: "
                            + member.in(nix.storeDir()));
        }
        if (excluded.more() > 0) {
            reply.data("and " + excluded.more() + " more excluded paths");
        }
    }

    private void dependants(StorePath path, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Found dependants = ask(nix.referrers(path), other -> !other.equals(path), MOST_LOOKED_AT);
        int shown = 0;
        for (StorePath dependant : dependants.first()) {
            boolean queued = queue.call(transaction -> transaction.reports().known(dependant));
            if (queued && shown++ < MOST_SHOWN) {
                reply.data(
                        "it goes along all the same, in the closure of "
                                + dependant.in(nix.storeDir()));
            }
        }
        if (dependants.more() > 0) {
            reply.data("not looked at: " + dependants.more() + " more that depend on it");
        }
    }

    /**
     * Store paths.
     *
     * @param first as many as were wanted
     * @param more how many there are beyond
     */
    private record Found(List<StorePath> first, int more) {}

    /**
     * Those of the store paths that a command prints which are wanted; none when it fails, which
     * the journal tells.
     */
    private Found ask(List<String> command, Predicate<StorePath> wanted, int most)
            throws InterruptedException {
        var first = Collections.synchronizedList(new ArrayList<StorePath>());
        var more = new AtomicInteger();
        asking.acquire();
        try {
            ExitResult ending =
                    children.run(
                            command,
                            environment,
                            line ->
                                    parsed(line)
                                            .filter(wanted)
                                            .ifPresent(path -> {
                                                if (first.size() < most) {
                                                    first.add(path);
                                                } else {
                                                    more.incrementAndGet();
                                                }
                                            }));
            return ending.succeeded()
                    ? new Found(List.copyOf(first), more.get())
                    : new Found(List.of(), 0);
        } finally {
            asking.release();
        }
    }

    private Optional<StorePath> parsed(String line) {
        try {
            return Optional.of(StorePath.parse(nix.storeDir(), line.strip()));
        } catch (IllegalArgumentException e) {
            LOG.debug("not a path: {}", e.getMessage()); // warnings, say
            return Optional.empty();
        }
    }
}
