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
    private final Path keyFile;
    private final RecentClosures recent;
    private final Set<StorePath> reported = new HashSet<>();

    /**
     * @param keyFile read at each call, so that a corrected key works at once
     * @param recent remembers the closures that this queries
     */
    SignTransport(DeliveryChild child, Path keyFile, RecentClosures recent) {
        this.child = child;
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
        var unsigned = new ArrayList<StorePath>();
        var foreign = new ArrayList<StorePath>();
        var queued = Set.copyOf(paths);
        for (List<StorePath> group : Nix.groups(paths)) {
            bad =
                    child.closures(
                            group,
                            progress,
                            member -> {
                                recent.remember(ClosureSource.Member.of(member));
                                if (needsSignature(member, key.get(), queued)) {
                                    unsigned.add(member.path());
                                } else if (member.needsTrust()) {
                                    foreign.add(member.path());
                                }
                            });
            if (bad.isPresent()) {
                return bad.get();
            }
        }
        report(foreign);
        return sign(unsigned, paths, progress);
    }

    private static boolean needsSignature(PathInfo member, String key, Set<StorePath> queued) {
        return !member.keys().contains(key)
                && (member.ultimate() || queued.contains(member.path()));
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
                        path.in(child.nix().storeDir()));
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
