package hookqueue.check;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.delivery.ClosureSource;
import hookqueue.delivery.DeliveryOutcome;
import hookqueue.delivery.RecentClosures;
import hookqueue.delivery.Transports;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The path of the test upload, added to the local store and signed once for all destinations.
 *
 * <p>Its content depends on the signing key alone, so it is the same path at every time, and a
 * destination keeps one for each key, however often and by how many machines it is checked. (The
 * key is in it because a binary cache keeps the signatures of the first copy.) No GC root holds it:
 * the next garbage collection removes it here.
 */
final class TestPath {
    private static final Logger LOG = LoggerFactory.getLogger(TestPath.class);
    private static final String NAME = "nix-post-build-hook-queue-check";
    private static final String CONTENT =
            "A test upload by: nix-post-build-hook-queue check --upload\n";

    private final Installation installation;
    private final Transports transports;
    private final Optional<SecretKey> key;
    private @Nullable Made made;

    /** The path, or why there is none. */
    record Made(@Nullable StorePath path, Finding finding) {}

    TestPath(Installation installation, Transports transports, Optional<SecretKey> key) {
        this.installation = installation;
        this.transports = transports;
        this.key = key;
    }

    /** Makes it, or waits for the thread that makes it: the lock lets one of the checks do so. */
    synchronized Made made() {
        if (made == null) {
            made = make();
        }
        return made;
    }

    private Made make() {
        Path file = installation.scratch().resolve(NAME);
        try {
            Files.writeString(file, CONTENT + key.map(SecretKey::publicHalf).orElse(""));
        } catch (IOException e) {
            LOG.debug("{}: {}", file, e.toString());
            return failed("cannot write " + file, "free space on the disk of the state directory");
        }
        Nix nix = transports.nix();
        List<String> output = Collections.synchronizedList(new ArrayList<>());
        ExitResult end =
                transports
                        .children()
                        .run(nix.add(file.toString()), transports.environment(), output::add);
        String last = output.isEmpty() ? "" : Text.clean(output.getLast());
        if (!end.succeeded() || !last.startsWith(nix.storeDir() + "/")) {
            return failed(
                    "Nix cannot add it to the local store: " + Text.shortened(last, 200),
                    "see the line about the local store");
        }
        StorePath path = StorePath.parse(nix.storeDir(), last);
        Path keyFile = installation.signingKey();
        if (keyFile == null) {
            return new Made(path, Finding.pass("test path", last));
        }
        DeliveryOutcome signed =
                transports
                        .sign(keyFile, new RecentClosures(ClosureSource.NONE))
                        .carry(List.of(path), new Progress());
        if (!(signed instanceof DeliveryOutcome.Delivered)) {
            return failed(
                    "cannot be signed: " + signed.reason(),
                    "see the line about the signing key; a daemon of Nix before 2.17 takes",
                    "signatures only from trusted-users of nix.conf");
        }
        return new Made(path, Finding.pass("test path", "signed: " + last));
    }

    private static Made failed(String text, String... fix) {
        return new Made(null, Finding.fail("test path", text, fix));
    }
}
