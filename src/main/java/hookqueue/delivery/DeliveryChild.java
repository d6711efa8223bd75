package hookqueue.delivery;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.nix.FailureCause;
import hookqueue.nix.Nix;
import hookqueue.nix.PathInfo;
import hookqueue.nix.Progress;
import hookqueue.process.ChildProcess;
import hookqueue.process.CommandLine;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one transport's child processes, and turns their exits into delivery outcomes.
 *
 * <p>Of several failures with the same cause it logs only the first one, with the command line and
 * the child's messages. For one thread at a time.
 */
final class DeliveryChild {
    private static final Logger LOG = LoggerFactory.getLogger(DeliveryChild.class);
    private static final int LONGEST_REASON = 1_500;
    private static final int LONGEST_LOOKED_AT = 4 * LONGEST_REASON;

    /** Of the destination, or {@code sign}. */
    private final String name;

    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> environment;
    // one thread after the other uses this
    private volatile @Nullable String lastFailure;

    DeliveryChild(String name, Nix nix, ChildProcess children, Map<String, String> environment) {
        this.name = name;
        this.nix = nix;
        this.children = children;
        this.environment = environment;
    }

    Nix nix() {
        return nix;
    }

    /**
     * Checks the paths without a child: some may be gone, or the store may be unreadable.
     *
     * @return null if all are there
     */
    @Nullable DeliveryOutcome checkPaths(List<StorePath> paths) {
        try {
            Set<StorePath> missing = missing(paths);
            return missing.isEmpty()
                    ? null
                    : new DeliveryOutcome.Invalid(missing, "it is no longer in the local store");
        } catch (IOException e) {
            return new DeliveryOutcome.Unusable("the local store cannot be looked at: " + e);
        }
    }

    /**
     * Runs a command on these paths.
     *
     * @param added variables for this child alone
     * @param progress has read all output when the child has ended
     */
    DeliveryOutcome run(
            List<String> command,
            Map<String, String> added,
            List<StorePath> paths,
            Progress progress,
            Consumer<String> output) {
        var variables = new HashMap<>(environment);
        variables.putAll(added);
        ExitResult ending = children.run(command, variables, output);
        if (ending.succeeded()) {
            lastFailure = null;
        } else {
            logOnce(ending, command, variables, paths, progress);
        }
        return outcome(ending, command, paths, progress);
    }

    /**
     * Queries Nix for information about paths.
     *
     * @param command makes a command whose output {@link PathInfo#read} understands
     * @param each receives every path, on another thread while this one waits
     * @return {@link DeliveryOutcome.Delivered} on success
     */
    DeliveryOutcome infos(
            Function<List<StorePath>, List<String>> command,
            List<StorePath> paths,
            Consumer<PathInfo> each) {
        for (List<StorePath> group : Nix.groups(paths)) {
            var messages = new Progress();
            List<String> query = command.apply(group);
            ChildProcess.Answer answer = text -> PathInfo.read(text, nix.storeDir(), each);
            ExitResult ending = children.ask(query, environment, messages, answer);
            if (!ending.succeeded()) {
                logOnce(ending, query, environment, group, messages);
                return outcome(ending, query, group, messages);
            }
        }
        return new DeliveryOutcome.Delivered(0);
    }

    private DeliveryOutcome outcome(
            ExitResult ending, List<String> command, List<StorePath> paths, Progress progress) {
        return switch (ending) {
            case ExitResult.Exited exited when exited.status() == 0 ->
                    new DeliveryOutcome.Delivered(progress.snapshot().bytes());
            case ExitResult.Exited exited -> failed(progress, command, exited.status(), paths);
            case ExitResult.Stalled stalled -> {
                String cause = cut(progress.cause().text());
                yield new DeliveryOutcome.Refused(
                        "no progress for "
                                + Durations.shown(stalled.silence())
                                + ", so it was ended"
                                + (cause.isEmpty() ? "" : ": " + cause));
            }
            case ExitResult.Cancelled cancelled -> new DeliveryOutcome.Cancelled();
            case ExitResult.Unreadable unreadable ->
                    new DeliveryOutcome.Refused(cut(unreadable.reason()));
            case ExitResult.NotStarted not ->
                    new DeliveryOutcome.Unusable(
                            "cannot start " + command.getFirst() + ": " + not.reason());
        };
    }

    private DeliveryOutcome failed(
            Progress progress, List<String> command, int status, List<StorePath> paths) {
        String complaint = progress.complaint();
        FailureCause cause = progress.cause();
        Set<StorePath> invalid =
                paths.stream()
                        .filter(path -> complaint.contains(path.baseName()))
                        .filter(path -> saysInvalid(complaint) && isInvalid(path))
                        .collect(Collectors.toUnmodifiableSet());
        if (!invalid.isEmpty()) {
            return new DeliveryOutcome.Invalid(
                    invalid, "it is not valid in the local store: " + cut(cause.text()));
        }
        String reason =
                cause.text().isBlank()
                        ? command.getFirst() + " exited with status " + status + " and said nothing"
                        : cut(cause.text());
        boolean byNix = command.getFirst().equals(nix.program());
        return switch (byNix ? cause.kind() : FailureCause.Kind.UNKNOWN) {
            case UNKNOWN -> new DeliveryOutcome.Refused(reason);
            case BUSY -> new DeliveryOutcome.Busy(reason);
            case UNAVAILABLE -> new DeliveryOutcome.Unavailable(reason);
            case UNREACHABLE -> new DeliveryOutcome.Unreachable(reason);
            case UNKNOWN_SCHEME ->
                    new DeliveryOutcome.Unusable(
                            "this Nix was built without such stores: " + reason);
        };
    }

    /** Compares failures without paths and NAR hashes, which differ each time. */
    private void logOnce(
            ExitResult ending,
            List<String> command,
            Map<String, String> variables,
            List<StorePath> paths,
            Progress progress) {
        String cause = progress.cause().text().replaceAll("[0-9a-z]{32,}[^'\" ]*", "*");
        if (ending instanceof ExitResult.Cancelled || cause.equals(lastFailure)) {
            return;
        }
        lastFailure = cause;
        LOG.info(
                "{}: this command failed: {}",
                name,
                Destination.withoutPasswords(
                        CommandLine.shown(System.getenv(), variables, command)),
                paths);
        String said = cut(progress.complaint()).replace("\n", " | ");
        if (!said.equals(progress.cause().text())) {
            LOG.info("{}: it said: {}", name, said, paths);
        }
    }

    /** The missing paths. Fails if the store is not mounted, or its disk does not answer. */
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

    private static boolean saysInvalid(String complaint) {
        return complaint.contains("not valid")
                || complaint.contains("no substituter that can build");
    }

    /** Asks Nix about one path. A destination can also say "not valid", with another meaning. */
    private boolean isInvalid(StorePath path) {
        var answer = new Progress();
        ExitResult ending = children.run(nix.pathInfo(path), environment, answer);
        return ending instanceof ExitResult.Exited exited
                && exited.status() != 0
                && saysInvalid(answer.complaint());
    }

    /** Cuts twice: the search for passwords in a long text takes quadratic time. */
    static String cut(String said) {
        String text =
                Destination.withoutPasswords(
                        said.substring(0, Math.min(said.length(), LONGEST_LOOKED_AT)));
        return Text.shortened(text, LONGEST_REASON);
    }
}
