package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.nix.PathInfo;
import hookqueue.nix.Progress;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs the paths that a copy will send: the queued paths, and every member of their closures that
 * this machine built and that lacks a signature by the key. Members from a binary cache have its
 * signatures and get none of this machine.
 *
 * <p>It leaves a member unsigned if the member has no signature and was not built here (imported,
 * or built by a remote builder before the hook was installed), because nothing vouches for it. The
 * journal names it once.
 */
final class SignTransport implements Transport {
    private static final Logger LOG = LoggerFactory.getLogger(SignTransport.class);
    private static final int LONGEST_NAME = 1_000;
    private static final int MOST_REMEMBERED = 10_000;

    private final DeliveryChild child;
    private final DeliveryChild asking;
    private final Path keyFile;
    private final RecentClosures recent;
    private final Set<StorePath> reported = new HashSet<>();

    /**
     * @param child signs
     * @param asking runs the queries, at the same time
     * @param keyFile read at each call, so that a corrected key works at once
     * @param recent remembers the closures that this queries
     */
    SignTransport(DeliveryChild child, DeliveryChild asking, Path keyFile, RecentClosures recent) {
        this.child = child;
        this.asking = asking;
        this.keyFile = keyFile;
        this.recent = recent;
    }

    @Override
    public DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
        Optional<String> key = keyName();
        if (key.isEmpty()) {
            return new DeliveryOutcome.Unusable("the signing key " + keyFile + " cannot be read");
        }
        Optional<DeliveryOutcome> bad = child.checkPaths(paths);
        if (bad.isPresent()) {
            return bad.get();
        }
        var query = new Query(paths, key.get());
        var thread = new Thread(query, Thread.currentThread().getName() + " query");
        thread.start();
        DeliveryOutcome outcome = sign(paths, paths, progress);
        bad = answer(query, thread, outcome instanceof DeliveryOutcome.Cancelled);
        if (bad.isPresent()) {
            return bad.get();
        }
        report(query.foreign);
        return outcome instanceof DeliveryOutcome.Delivered
                ? sign(query.unsigned, paths, progress)
                : outcome;
    }

    /** Waits for the query's child process, which ends soon after an interrupt. */
    private static Optional<DeliveryOutcome> answer(Query query, Thread thread, boolean cancelled) {
        boolean interrupted = cancelled;
        while (thread.isAlive()) {
            if (interrupted) {
                thread.interrupt();
            }
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (query.bug != null) {
            throw new IllegalStateException("the query for closures failed", query.bug);
        }
        return query.bad;
    }

    /**
     * Finds the other members of the closures that need a signature. Its child process runs beside
     * the one that signs the queued paths: that needs no answer, because Nix leaves a path alone
     * that has the signature. All fields are for one thread after the other.
     */
    private final class Query implements Runnable {
        final List<StorePath> unsigned = new ArrayList<>();
        final List<StorePath> foreign = new ArrayList<>();
        Optional<DeliveryOutcome> bad = Optional.empty();
        @Nullable Throwable bug;

        private final List<StorePath> paths;
        private final String key;
        private final Set<StorePath> queued;

        Query(List<StorePath> paths, String key) {
            this.paths = paths;
            this.key = key;
            this.queued = Set.copyOf(paths);
        }

        @Override
        public void run() {
            try {
                for (List<StorePath> group : Nix.groups(paths)) {
                    if (bad.isEmpty()) {
                        List<String> command = asking.nix().closureInfo(group);
                        bad = asking.infos(command, group, new Progress(), this::take);
                    }
                }
            } catch (RuntimeException | Error e) {
                bug = e;
            }
        }

        private void take(PathInfo member) {
            recent.remember(ClosureSource.Member.of(member));
            if (queued.contains(member.path()) || member.keys().contains(key)) {
                return;
            }
            if (member.ultimate()) {
                unsigned.add(member.path());
            } else if (member.needsTrust()) {
                foreign.add(member.path());
            }
        }
    }

    private DeliveryOutcome sign(
            List<StorePath> unsigned, List<StorePath> paths, Progress progress) {
        for (List<StorePath> group : Nix.groups(unsigned)) {
            for (int i = 0; i < group.size(); i += Destination.MOST_AT_ONCE) {
                List<StorePath> some =
                        group.subList(i, Math.min(group.size(), i + Destination.MOST_AT_ONCE));
                List<String> command = child.nix().sign(keyFile.toString(), some);
                DeliveryOutcome outcome = child.run(command, Map.of(), paths, progress, progress);
                if (!(outcome instanceof DeliveryOutcome.Delivered)) {
                    return outcome;
                }
            }
        }
        return new DeliveryOutcome.Delivered(0);
    }

    private void report(List<StorePath> foreign) {
        for (StorePath path : foreign) {
            if (reported.size() < MOST_REMEMBERED && reported.add(path)) {
                LOG.warn(
                        "sign: {} stays unsigned: nobody signed it, and it was not built here",
                        path.in(child.nix().storeDir()),
                        path);
            }
        }
    }

    /**
     * The part before the colon. Nix reports the error of a file without one. Empty if the file
     * cannot be read.
     */
    private Optional<String> keyName() {
        if (!Files.isRegularFile(keyFile)) {
            return Optional.empty();
        }
        try (BufferedReader reader = Files.newBufferedReader(keyFile)) {
            var start = new char[LONGEST_NAME];
            int length = Math.max(0, reader.read(start, 0, start.length));
            return Optional.of(new String(start, 0, length).strip().split(":", 2)[0]);
        } catch (IOException e) {
            LOG.debug("{}: {}", keyFile, e.toString());
            return Optional.empty();
        }
    }
}
