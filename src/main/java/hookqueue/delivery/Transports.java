package hookqueue.delivery;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The carriers there are: sign with a key, copy to a store, run a program. Each starts one child
 * process a call.
 */
public final class Transports {
    private static final Logger LOG = LoggerFactory.getLogger(Transports.class);
    private static final int LONGEST_REASON = 1_500;
    private static final int LONGEST_LOOKED_AT = 4 * LONGEST_REASON;
    private static final int LOGGED_LINES = 200;

    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> environment;

    /**
     * @param nix how nix is called
     * @param children the door to child processes
     * @param environment variables that every child gets beside the worker's own
     */
    public Transports(Nix nix, ChildProcess children, Map<String, String> environment) {
        this.nix = nix;
        this.children = children;
        this.environment = environment;
    }

    /**
     * Signs with a secret key file, which is looked at before each call so that a mended one is
     * taken up.
     */
    public Transport sign(Path keyFile) {
        return (paths, progress) -> {
            if (!Files.isReadable(keyFile) || !Files.isRegularFile(keyFile)) {
                return new DeliveryOutcome.Unusable(
                        "the signing key " + keyFile + " cannot be read");
            }
            return run(nix.sign(keyFile.toString(), paths), Map.of(), paths, progress, progress);
        };
    }

    /** Delivers to a destination. */
    public Transport to(Destination destination, boolean substituteOnDestination) {
        if (destination instanceof Destination.Exec exec) {
            return (paths, progress) -> run(exec, paths, progress);
        }
        String url = ((Destination.Store) destination).url();
        return new Transport() {
            @Override
            public DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
                return copy(false, paths, progress);
            }

            @Override
            public DeliveryOutcome prove(List<StorePath> paths, Progress progress) {
                return copy(true, paths, progress);
            }

            private DeliveryOutcome copy(boolean afresh, List<StorePath> paths, Progress progress) {
                List<String> command = nix.copy(url, substituteOnDestination, afresh, paths);
                return run(command, Map.of(), paths, progress, progress);
            }
        };
    }

    private DeliveryOutcome run(Destination.Exec exec, List<StorePath> paths, Progress progress) {
        List<String> names = paths.stream().map(path -> path.in(nix.storeDir())).toList();
        var command = new ArrayList<>(List.of(exec.program()));
        command.addAll(names);
        Map<String, String> variables = hookVariables(paths, names);
        return variables.isEmpty()
                ? new DeliveryOutcome.Cancelled()
                : run(command, variables, paths, progress, journal(exec, progress));
    }

    /**
     * What Nix gives a post-build-hook: {@code OUT_PATHS}, and {@code DRV_PATH} where Nix knows one
     * derivation that all of the paths come from. Nothing when the worker is to end.
     */
    private Map<String, String> hookVariables(List<StorePath> paths, List<String> names) {
        var derivers = Collections.synchronizedSet(new HashSet<String>());
        ExitResult asked = children.run(nix.derivers(paths), environment, derivers::add);
        if (asked instanceof ExitResult.Cancelled) {
            return Map.of();
        }
        var variables = new HashMap<String, String>();
        variables.put("OUT_PATHS", String.join(" ", names));
        if (asked.succeeded() && derivers.size() == 1) {
            derivers.stream()
                    .filter(deriver -> deriver.endsWith(".drv"))
                    .forEach(deriver -> variables.put("DRV_PATH", deriver));
        }
        return variables;
    }

    private DeliveryOutcome run(
            List<String> command,
            Map<String, String> added,
            List<StorePath> paths,
            Progress progress,
            Consumer<String> output) {
        Set<StorePath> missing;
        try {
            missing = missing(paths);
        } catch (IOException e) {
            return new DeliveryOutcome.Unusable("the local store cannot be looked at: " + e);
        }
        if (!missing.isEmpty()) {
            return new DeliveryOutcome.Invalid(missing, "it is no longer in the local store");
        }
        var variables = new HashMap<>(environment);
        variables.putAll(added);
        return switch (children.run(command, variables, output)) {
            case ExitResult.Exited exited when exited.status() == 0 ->
                    new DeliveryOutcome.Delivered(progress.snapshot().bytes());
            case ExitResult.Exited exited ->
                    refused(progress.complaint(), command.getFirst(), exited.status(), paths);
            case ExitResult.Stalled stalled ->
                    new DeliveryOutcome.Refused(
                            "no progress for "
                                    + Durations.shown(stalled.silence())
                                    + ", so it was ended. "
                                    + cut(progress.complaint()),
                            Set.of());
            case ExitResult.Cancelled cancelled -> new DeliveryOutcome.Cancelled();
            case ExitResult.NotStarted not ->
                    new DeliveryOutcome.Unusable(
                            "cannot start " + command.getFirst() + ": " + not.reason());
        };
    }

    /**
     * Those that are not in the store any more.
     *
     * @throws IOException when nothing can be said about a path: the store is not mounted, or its
     *     disk does not answer
     */
    private Set<StorePath> missing(List<StorePath> paths) throws IOException {
        var missing = new HashSet<StorePath>();
        for (StorePath path : paths) {
            try {
                Files.readAttributes(
                        Path.of(path.in(nix.storeDir())),
                        BasicFileAttributes.class,
                        LinkOption.NOFOLLOW_LINKS);
            } catch (NoSuchFileException e) {
                missing.add(path);
            }
        }
        if (!missing.isEmpty() && !Files.isDirectory(Path.of(nix.storeDir()))) {
            throw new NotDirectoryException(nix.storeDir());
        }
        return Set.copyOf(missing);
    }

    private DeliveryOutcome refused(
            String complaint, String program, int status, List<StorePath> paths) {
        Set<StorePath> named =
                paths.stream()
                        .filter(path -> complaint.contains(path.baseName()))
                        .collect(Collectors.toUnmodifiableSet());
        Set<StorePath> invalid =
                named.stream()
                        .filter(path -> saysInvalid(complaint) && isInvalid(path))
                        .collect(Collectors.toUnmodifiableSet());
        if (!invalid.isEmpty()) {
            return new DeliveryOutcome.Invalid(
                    invalid, "it is not valid in the local store: " + cut(complaint));
        }
        String reason =
                complaint.isBlank()
                        ? program + " exited with status " + status + " and said nothing"
                        : complaint;
        return new DeliveryOutcome.Refused(cut(reason), named);
    }

    private static boolean saysInvalid(String complaint) {
        return complaint.contains("not valid")
                || complaint.contains("no substituter that can build");
    }

    /**
     * Asks Nix about one path: a destination can say "not valid" too, and means something else by
     * it.
     */
    private boolean isInvalid(StorePath path) {
        var answer = new Progress();
        ExitResult ending = children.run(nix.pathInfo(path), environment, answer);
        return ending instanceof ExitResult.Exited exited
                && exited.status() != 0
                && saysInvalid(answer.complaint());
    }

    /** What a program says goes to the journal, so much of it as an operator can read. */
    private static Consumer<String> journal(Destination.Exec exec, Progress progress) {
        var lines = new AtomicInteger();
        return line -> {
            progress.accept(line);
            int number = lines.incrementAndGet();
            if (number <= LOGGED_LINES) {
                LOG.info("{}: {}", exec.program(), cut(Text.clean(line)));
            } else if (number == LOGGED_LINES + 1) {
                LOG.info(
                        "{}: more than {} lines of output; the rest is not logged",
                        exec.program(),
                        LOGGED_LINES);
            }
        };
    }

    /**
     * Twice: to look for passwords takes the square of the length, and a destination may say much.
     */
    static String cut(String said) {
        String text =
                Destination.withoutPasswords(
                        said.substring(0, Math.min(said.length(), LONGEST_LOOKED_AT)));
        String stripped = text.startsWith("error: ") ? text.substring("error: ".length()) : text;
        return Text.shortened(stripped, LONGEST_REASON);
    }
}
