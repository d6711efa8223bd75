package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks Nix for closures: {@code nix-store --query --graph} for the references, then {@code --size}
 * for the members that the destination is not known to have. Both exist in the same form in every
 * Nix, print short lines, and take many paths at once.
 *
 * <p>A longer answer than 30,000 members, or 600,000 references, or any failure, is no answer.
 */
public final class NixClosures implements ClosureSource {
    private static final Logger LOG = LoggerFactory.getLogger(NixClosures.class);
    private static final int MOST_MEMBERS = 30_000;
    private static final int MOST_REFERENCES = 600_000;
    private static final int PATHS_AT_ONCE = 4_000;

    /** A node is {@code "NAME" [label = …]}, an edge {@code "REFERENCE" -> "NAME" […]}. */
    private static final Pattern LINE =
            Pattern.compile("\"([0-9a-z]{32}-[^\"]+)\"(?: -> \"([0-9a-z]{32}-[^\"]+)\")? \\[.*");

    private final Nix nix;
    private final ChildProcess children;
    private final Map<String, String> environment;

    /**
     * @param children with a short stall timeout
     * @param environment variables that a child gets beside the worker's own
     */
    public NixClosures(Nix nix, ChildProcess children, Map<String, String> environment) {
        this.nix = nix;
        this.children = children;
        this.environment = environment;
    }

    @Override
    public Optional<Collection<Member>> closures(List<StorePath> paths, LongPredicate known) {
        List<StorePath> present = paths.stream().filter(this::isPresent).toList();
        if (present.isEmpty()) {
            return Optional.of(List.of());
        }
        var graph = new Graph();
        if (!ask(nix.graph(present), graph) || graph.tooLong) {
            return Optional.empty();
        }
        List<String> missing =
                graph.references.keySet().stream()
                        .filter(name -> !known.test(ClosureGraph.digest(name)))
                        .toList();
        Map<String, Long> sizes = new HashMap<>();
        for (int from = 0; from < missing.size(); from += PATHS_AT_ONCE) {
            List<String> some =
                    missing.subList(from, Math.min(missing.size(), from + PATHS_AT_ONCE));
            var lines = new ArrayList<Long>();
            Consumer<String> reader = line -> size(line).ifPresent(lines::add);
            if (!ask(nix.sizes(some), reader) || lines.size() != some.size()) {
                return Optional.empty();
            }
            for (int i = 0; i < some.size(); i++) {
                sizes.put(some.get(i), lines.get(i));
            }
        }
        var members = new ArrayList<Member>(graph.references.size());
        graph.references.forEach((name, references) ->
                members.add(
                        new Member(
                                ClosureGraph.digest(name),
                                references.stream().mapToLong(Long::longValue).toArray(),
                                sizes.getOrDefault(name, 0L))));
        return Optional.of(members);
    }

    private boolean isPresent(StorePath path) {
        return Files.exists(Path.of(path.in(nix.storeDir())), LinkOption.NOFOLLOW_LINKS);
    }

    private boolean ask(List<String> command, Consumer<String> reader) {
        ExitResult result = children.run(command, environment, reader);
        if (!result.succeeded()) {
            LOG.info("cannot ask Nix for closures ({}): one batch at a time for a minute", result);
        }
        return result.succeeded();
    }

    private static Optional<Long> size(String line) {
        return line.matches("[0-9]{1,18}") ? Optional.of(Long.valueOf(line)) : Optional.empty();
    }

    /** Reads the answer; used by one other thread, which has ended when the answer is looked at. */
    private static final class Graph implements Consumer<String> {
        final Map<String, List<Long>> references = new HashMap<>();
        private int edges;
        boolean tooLong;

        @Override
        public void accept(String line) {
            Matcher matcher = LINE.matcher(line);
            if (tooLong || !matcher.matches()) {
                return;
            }
            String name = matcher.group(1);
            String user = matcher.group(2);
            if (user == null) {
                references.computeIfAbsent(name, n -> new ArrayList<>(4));
            } else {
                references
                        .computeIfAbsent(user, n -> new ArrayList<>(4))
                        .add(ClosureGraph.digest(name));
                edges++;
            }
            tooLong = references.size() > MOST_MEMBERS || edges > MOST_REFERENCES;
        }
    }
}
