package hookqueue.check;

import hookqueue.delivery.Destination;
import hookqueue.delivery.DestinationProbe;
import hookqueue.delivery.Transports;
import hookqueue.process.ChildEnvironment;
import hookqueue.process.ChildProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All checks of an installation, and the scratch folder that they share. For one client at a time.
 *
 * <p>Children get caches of their own in the scratch folder: Nix would answer from its cache that a
 * binary cache is there, for a week.
 */
public final class Checks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Checks.class);

    private final Installation installation;
    private final Path scratch;
    private final ChildProcess children;
    private final List<Callable<List<Finding>>> all = new ArrayList<>();

    /** Makes the scratch folder. A child that is silent for the given time is ended. */
    public Checks(Installation installation, boolean upload, Duration silence) throws IOException {
        this.installation = installation;
        this.children = new ChildProcess(silence);
        this.scratch = installation.scratch();
        close(); // a worker that was killed has left it
        Files.createDirectories(scratch);
        Map<String, String> variables = variables("nix");
        var facts = new NixFacts(installation.nix(), children, variables);
        var local = new LocalChecks(installation, facts);
        var keys = new KeyChecks(installation, children, variables);
        var hook = new HookCheck(installation, facts, HookCheck.installedHook());
        var transports = new Transports(installation.nix(), children, variables);
        all.add(local::settings);
        add(local::versions);
        add(local::stateDirectory);
        add(local::roots);
        all.add(local::metrics);
        DestinationProbe store = transports.probe("local store", "");
        add(() -> LocalChecks.store(installation.nix().storeDir(), store));
        all.add(hook::run);
        KeyChecks.Signing signing = keys.signing();
        all.add(signing::findings);
        all.add(keys::ssh);
        destinations(upload, transports, signing.key());
    }

    private void add(Supplier<Finding> check) {
        all.add(() -> List.of(check.get()));
    }

    private void destinations(
            boolean upload, Transports transports, Optional<SecretKey> signingKey) {
        TestPath testPath = null;
        if (upload) {
            var test = new TestPath(installation, transports, signingKey);
            add(() -> test.made().finding());
            testPath = test;
        }
        int number = 0;
        for (Installation.Target target : installation.targets()) {
            number++;
            Destination destination = target.destination();
            var own = new Transports(installation.nix(), children, variables("to-" + number));
            var checks =
                    new DestinationChecks(
                            destination,
                            "destination " + destination.name(),
                            own.probe(destination.name(), destination.url()),
                            own.to(destination, target.substituteOnDestination()),
                            testPath,
                            signingKey,
                            installation.sshOptions());
            all.add(checks::run);
        }
    }

    /** In the order in which their findings are to be shown. */
    public List<Callable<List<Finding>>> all() {
        return List.copyOf(all);
    }

    private Map<String, String> variables(String cache) {
        var variables =
                new HashMap<>(
                        ChildEnvironment.forChildren(
                                installation.environment(), installation.stateDir()));
        variables.put("XDG_CACHE_HOME", scratch.resolve(cache).toString());
        return Map.copyOf(variables);
    }

    /** Deletes the scratch folder. */
    @Override
    public void close() {
        if (!Files.exists(scratch)) {
            return;
        }
        try (Stream<Path> files = Files.walk(scratch)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("{}: {}", scratch, e.toString()); // the next check tries again
        }
    }
}
