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
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
        DeliveryOutcome bad = child.checkPaths(paths);
        if (bad != null) {
            return bad;
        }
        String name = Thread.currentThread().getName() + " query";
        var found = new Members(Set.copyOf(paths), key.get());
        Future<DeliveryOutcome> query;
        DeliveryOutcome outcome;
        // closing it waits for the query; an interrupt of this thread reaches the query
        try (var beside = Executors.newSingleThreadExecutor(task -> new Thread(task, name))) {
            query =
                    beside.submit(
                            () -> asking.infos(asking.nix()::closureInfo, paths, found::take));
            try {
                outcome = sign(paths, paths, progress);
            } catch (RuntimeException | Error e) {
                beside.shutdownNow();
                throw e;
            }
        }
        if (query.state() == Future.State.FAILED) {
            throw new IllegalStateException("the query for closures failed", query.exceptionNow());
        }
        if (!(query.resultNow() instanceof DeliveryOutcome.Delivered)) {
            return query.resultNow();
        }
        report(found.foreign);
        return outcome instanceof DeliveryOutcome.Delivered
                ? sign(found.unsigned, paths, progress)
                : outcome;
    }

    /**
     * The other members of the closures that need a signature. The query for them runs beside the
     * child process that signs the queued paths: that needs no answer, because Nix leaves a path
     * alone that has the signature. All fields are for one thread after the other.
     */
    private final class Members {
        final List<StorePath> unsigned = new ArrayList<>();
        final List<StorePath> foreign = new ArrayList<>();
        private final Set<StorePath> queued;
        private final String key;

        Members(Set<StorePath> queued, String key) {
            this.queued = queued;
            this.key = key;
        }

        void take(PathInfo member) {
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
                int end = Math.min(group.size(), i + Destination.MOST_AT_ONCE);
                List<StorePath> some = group.subList(i, end);
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
