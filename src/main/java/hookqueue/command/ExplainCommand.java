package hookqueue.command;

import hookqueue.base.Filter;
import hookqueue.base.Filters;
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
 * The answer to {@code explain}: the path's state in each lane, what it waits for, and what the
 * filters do with it.
 */
public final class ExplainCommand {
    private static final Logger LOG = LoggerFactory.getLogger(ExplainCommand.class);
    static final int MOST_SHOWN = 20;

    /** The most paths that one answer keeps in memory: a store may have millions of dependants. */
    static final int MOST_CHECKED = 10_000;

    /** Paths in one transaction. */
    static final int PAGE = 250;

    /** Every user who can connect may ask, and each answer needs a child process. */
    private final Semaphore asking = new Semaphore(2, true);

    private static final Duration LANE_ANSWERS = Duration.ofSeconds(5);

    private final Queue queue;
    private final List<Lane> lanes;
    private final Filters filters;
    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> environment;
    private final InstantSource clock;

    public ExplainCommand(
            Queue queue,
            List<Lane> lanes,
            Filters filters,
            Nix nix,
            ChildProcess children,
            Map<String, String> environment,
            InstantSource clock) {
        this.queue = queue;
        this.lanes = lanes;
        this.filters = filters;
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

        boolean concerns(String lane) {
            return rows.stream().anyMatch(row -> row.lane().equals(lane));
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
        String whole = path.in(nix.storeDir());
        boolean taken = filters.anyTakes(path);
        boolean here = Files.exists(Path.of(whole), LinkOption.NOFOLLOW_LINKS);
        for (DeliveryRow row : known.rows()) {
            reply.data(DeliveryRowFormat.text(row, nix.storeDir(), clock.instant()));
        }
        if (known.rows().isEmpty()) {
            tellWhyNotQueued(known, taken && here ? whole : "", reply);
        } else if (known.paused()) {
            reply.data("the queue is paused; to resume: nix-post-build-hook-queue resume");
        }
        for (LaneCounts lane : known.lanes()) {
            Breaker breaker = lane.breaker();
            if (breaker.open() && known.concerns(lane.name())) {
                reply.data(
                        "%s is down since %s, next try %s: %s"
                                .formatted(
                                        lane.name(),
                                        Instant.ofEpochMilli(breaker.since()),
                                        Instant.ofEpochMilli(breaker.until()),
                                        Text.oneLine(breaker.reason())));
                reply.data("to try it now: nix-post-build-hook-queue retry");
            }
        }
        for (DeliveryRow row : known.rows()) {
            if (row.configured() && !known.paused() && row.state() == DeliveryRow.State.FRESH) {
                waitsFor(row, reply);
            }
        }
        if (known.any(DeliveryRow.State.FAILED) || known.any(DeliveryRow.State.DEFERRED)) {
            reply.data("to try again now: nix-post-build-hook-queue retry " + whole);
        }
        tellFilters(path, reply);
        if (!here) {
            reply.data("not in the local store");
        } else if (taken) {
            companions(path, reply);
        } else {
            dependants(path, reply);
        }
        return "ok";
    }

    /** The path is empty if it cannot be queued. */
    private static void tellWhyNotQueued(Known known, String path, Reply reply) throws IOException {
        boolean settled = known.settledAt().isPresent();
        reply.data(
                settled
                        ? "settled at %s: nothing left to do"
                                .formatted(Instant.ofEpochMilli(known.settledAt().get()))
                        : "never queued here, or settled too long ago to be remembered");
        if (!path.isEmpty()) {
            String advice =
                    settled
                            ? "if a destination lost it: nix-post-build-hook-queue verify "
                            : "queue it: nix-post-build-hook-queue ";
            reply.data(advice + path);
        }
    }

    /** One line, or one for each destination when not all have the same filter. */
    private void tellFilters(StorePath path, Reply reply) throws IOException {
        if (filters.own().isEmpty()) {
            reply.data("filters: " + verdict(filters.common(), path));
            return;
        }
        for (String destination : filters.destinations()) {
            String verdict = verdict(filters.filter(destination), path);
            reply.data("filters of " + destination + ": " + verdict);
        }
    }

    private static String verdict(Filter filter, StorePath path) {
        return (filter.test(path) ? "accepted, " : "excluded, ") + filter.reason(path);
    }

    /** The destinations that take a path and exclude its dependency. */
    private List<String> without(StorePath path, StorePath dependency) {
        return filters.excluding(dependency).stream()
                .filter(destination -> filters.filter(destination).test(path))
                .sorted()
                .toList();
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

    /** Nix copies whole closures; filters do not apply to dependencies. */
    private void companions(StorePath path, Reply reply) throws IOException, InterruptedException {
        Found excluded =
                ask(
                        nix.closure(path),
                        member -> !filters.anyTakes(member) || !without(path, member).isEmpty(),
                        MOST_SHOWN);
        for (StorePath member : excluded.first()) {
            List<String> without = without(path, member);
            String to = without.isEmpty() ? "" : " to " + String.join(", ", without);
            reply.data(
                    "uploaded anyway although excluded, as its dependency: "
                            + member.in(nix.storeDir())
                            + to);
        }
        if (excluded.more() > 0) {
            reply.data("and " + excluded.more() + " more excluded dependencies");
        }
    }

    private void dependants(StorePath path, Reply reply)
            throws IOException, QueueException, InterruptedException {
        Found dependants = ask(nix.referrers(path), other -> !other.equals(path), MOST_CHECKED);
        List<StorePath> queued =
                firstKnown(
                        dependants.first(),
                        page ->
                                queue.call(transaction -> {
                                    var known = new ArrayList<StorePath>();
                                    for (StorePath each : page) {
                                        if (transaction.waits().id(each).isPresent()) {
                                            known.add(each);
                                        }
                                    }
                                    return known;
                                }));
        for (StorePath dependant : queued) {
            reply.data("uploaded anyway, as a dependency of " + dependant.in(nix.storeDir()));
        }
        if (dependants.more() > 0 && queued.size() < MOST_SHOWN) {
            reply.data("not checked: " + dependants.more() + " more paths that depend on it");
        }
    }

    /** Tells which paths of a page the queue knows. */
    @FunctionalInterface
    interface Lookup {
        List<StorePath> known(List<StorePath> page) throws QueueException, InterruptedException;
    }

    /**
     * The first {@link #MOST_SHOWN} paths that the queue knows. It asks for a page at a time and
     * stops when it has enough, so that other clients' requests run in between.
     */
    static List<StorePath> firstKnown(List<StorePath> paths, Lookup lookup)
            throws QueueException, InterruptedException {
        var known = new ArrayList<StorePath>();
        for (int from = 0; from < paths.size() && known.size() < MOST_SHOWN; from += PAGE) {
            known.addAll(lookup.known(paths.subList(from, Math.min(from + PAGE, paths.size()))));
        }
        return known.subList(0, Math.min(known.size(), MOST_SHOWN));
    }

    private record Found(List<StorePath> first, int more) {}

    /** The wanted store paths among those that a command prints; none when the command fails. */
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
            LOG.debug("not a path, perhaps a warning: {}", e.getMessage());
            return Optional.empty();
        }
    }
}
