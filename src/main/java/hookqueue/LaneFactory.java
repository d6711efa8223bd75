package hookqueue;

import hookqueue.base.LogFields;
import hookqueue.check.Installation;
import hookqueue.command.CheckCommand;
import hookqueue.command.VerifyCommand;
import hookqueue.delivery.ClosureSource;
import hookqueue.delivery.Destination;
import hookqueue.delivery.DestinationCheck;
import hookqueue.delivery.Improvement;
import hookqueue.delivery.Lane;
import hookqueue.delivery.Link;
import hookqueue.delivery.Links;
import hookqueue.delivery.NixClosures;
import hookqueue.delivery.RecentClosures;
import hookqueue.delivery.Transport;
import hookqueue.delivery.Transports;
import hookqueue.nix.Nix;
import hookqueue.process.ChildEnvironment;
import hookqueue.process.ChildProcess;
import hookqueue.queue.LaneStore;
import hookqueue.queue.Queue;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Makes from the settings everything that talks to a destination: a lane for {@code sign}, a lane
 * for each destination, {@code verify} with its checks, and {@code check}.
 */
record LaneFactory(Settings settings, Map<String, String> environment, Nix nix) {
    private static final Logger LOG = LoggerFactory.getLogger(LaneFactory.class);

    /** On a far link, starting a child takes as long as sending a few small paths. */
    private static final int WORTH_A_CHILD = 8;

    private static final Duration CLOSURES_STALL = Duration.ofSeconds(10);

    /** The names of the lanes, {@code sign} first. */
    static List<String> names(Settings settings) {
        var names = new ArrayList<String>();
        if (settings.signingKey() != null) {
            names.add(LaneStore.SIGN);
        }
        settings.destinations().forEach(destination -> names.add(destination.name()));
        return names;
    }

    /** The URLs of the destinations that have a name of their own, by name. */
    static Map<String, String> urls(Settings settings) {
        var urls = new HashMap<String, String>();
        for (Destination destination : settings.destinations()) {
            if (destination instanceof Destination.Named named) {
                urls.put(named.name(), named.place().name());
            }
        }
        return urls;
    }

    List<Lane> lanes(Queue queue, InstantSource clock, Consumer<Throwable> fatal) {
        Map<String, String> added = ChildEnvironment.forChildren(environment, settings.stateDir());
        var closures =
                new RecentClosures(new NixClosures(nix, new ChildProcess(CLOSURES_STALL), added));
        var links =
                new Links(environment.getOrDefault("NIX_SSHOPTS", ""), added, settings.stateDir());
        var signing = new Lane.Limits(settings.batchSize(), WORTH_A_CHILD, settings.maxAttempts());
        var lanes = new ArrayList<Lane>();
        Path key = settings.signingKey();
        if (key != null) {
            lanes.add(
                    new Lane(
                            LaneStore.SIGN,
                            Improvement.NONE,
                            transports(
                                    LaneStore.SIGN,
                                    settings.parallel(),
                                    slot -> inSlot(slot).sign(key, closures)),
                            Links.LOCAL,
                            ClosureSource.NONE,
                            queue,
                            signing.atMost(Destination.MOST_AT_ONCE),
                            () -> ThreadLocalRandom.current().nextDouble(),
                            clock,
                            fatal));
        }
        for (Destination destination : settings.destinations()) {
            if (destination.mayHangNix()) {
                warnOfHangs(destination.name());
            }
            Settings.ForDestination own = settings.of(destination.name());
            var limits = new Lane.Limits(own.batchSize(), WORTH_A_CHILD, settings.maxAttempts());
            Link link = links.to(destination, queue::wake);
            Function<Map<String, String>, Transport> make =
                    variables -> inSlot(variables).to(destination, own.substituteOnDestination());
            lanes.add(
                    new Lane(
                            destination.name(),
                            Improvement.of(destination),
                            transports(
                                    destination.name(),
                                    own.parallel(),
                                    slot -> link.transport(slot, make)),
                            link,
                            closures,
                            queue,
                            limits.atMost(destination.mostAtOnce()),
                            () -> ThreadLocalRandom.current().nextDouble(),
                            clock,
                            fatal));
        }
        return lanes;
    }

    private static void warnOfHangs(String name) {
        try (var _ = MDC.putCloseable(LogFields.DESTINATION, name)) {
            LOG.warn(
                    "{}: max-connections hangs Nix 2.8 and 2.26 over ssh; remove it and use NPBHQ_PARALLEL",
                    name);
        }
    }

    /** One for each slot of a lane, with a cache folder of its own. */
    private List<Transport> transports(
            String lane, int slots, Function<Map<String, String>, Transport> make) {
        return IntStream.range(0, slots)
                .mapToObj(slot -> make.apply(variables(lane, slot)))
                .toList();
    }

    /** Each destination's checks run in a slot of their own, beside those of its lane. */
    VerifyCommand verification(Queue queue, InstantSource clock) {
        Path key = settings.signingKey();
        var checks = new ArrayList<DestinationCheck>();
        var programs = new ArrayList<String>();
        var unshared = new RecentClosures(ClosureSource.NONE);
        for (Destination destination : settings.destinations()) {
            Settings.ForDestination own = settings.of(destination.name());
            Transports transports = inSlot(variables(destination.name(), own.parallel()));
            DestinationCheck check =
                    transports.check(
                            destination,
                            own.batchSize(),
                            own.substituteOnDestination(),
                            key == null ? null : transports.sign(key, unshared));
            if (check == null) {
                programs.add(destination.name());
            } else {
                checks.add(check);
            }
        }
        return new VerifyCommand(
                queue, checks, programs, settings.filters(), settings.storeDir(), clock);
    }

    /** {@code unknown}: names of environment variables that look like settings. */
    CheckCommand check(List<String> unknown) {
        var targets = new ArrayList<Installation.Target>();
        for (Destination destination : settings.destinations()) {
            targets.add(
                    new Installation.Target(
                            destination,
                            settings.of(destination.name()).substituteOnDestination()));
        }
        return new CheckCommand(
                new Installation(
                        environment,
                        settings.signingKey(),
                        targets,
                        settings.stateDir(),
                        settings.rootsDir(),
                        settings.metricsFile(),
                        nix,
                        unknown));
    }

    private Transports inSlot(Map<String, String> variables) {
        return new Transports(nix, new ChildProcess(settings.stallTimeout()), variables);
    }

    private Map<String, String> variables(String lane, int slot) {
        return ChildEnvironment.forSlot(environment, settings.stateDir(), lane, slot);
    }
}
