package hookqueue.check;

import hookqueue.base.Sizes;
import hookqueue.base.Version;
import hookqueue.delivery.DeliveryOutcome;
import hookqueue.delivery.DestinationProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checks of settings, versions and folders on this machine. */
record LocalChecks(Installation installation, NixFacts facts) {
    private static final Logger LOG = LoggerFactory.getLogger(LocalChecks.class);
    private static final long LEAST_SPACE = 10_000_000;
    private static final long LITTLE_SPACE = 500_000_000;
    private static final String ROOTS = "GC roots";
    private static final String STATE = "state directory";

    /** The worker runs, so they are valid. */
    List<Finding> settings() {
        int count = installation.targets().size();
        var findings = new ArrayList<Finding>();
        findings.add(
                Finding.pass(
                        "settings",
                        "valid: "
                                + (count == 0
                                        ? "no destination"
                                        : count == 1 ? "1 destination" : count + " destinations")
                                + (installation.signingKey() == null ? "" : ", a signing key")));
        for (String name : installation.unknown()) {
            findings.add(
                    Finding.warn(
                            "settings",
                            "unknown setting " + name + " (ignored)",
                            "correct its name, see nix-post-build-hook-queue(8)"));
        }
        return findings;
    }

    Finding versions() {
        String own = "nix-post-build-hook-queue " + Version.TEXT + ", Java " + Runtime.version();
        Optional<String> nix = facts.version();
        if (nix.isEmpty()) {
            return Finding.fail(
                    "versions",
                    own + "; " + installation.nix().program() + " --version does not work",
                    "install Nix, or set NPBHQ_NIX to its absolute path");
        }
        if (facts.isOlderThan(2, 4)) {
            return Finding.fail(
                    "versions",
                    own + "; Nix " + nix.get() + " is too old",
                    "install Nix 2.4 or newer, or set NPBHQ_NIX to one");
        }
        return Finding.pass("versions", own + ", Nix " + nix.get());
    }

    Finding stateDirectory() {
        Path folder = installation.stateDir();
        try {
            long free = Files.getFileStore(folder).getUsableSpace();
            String text = Sizes.shown(free) + " free in " + folder;
            if (free < LEAST_SPACE) {
                return Finding.fail(STATE, text, "free space on that disk");
            }
            return free < LITTLE_SPACE
                    ? Finding.warn(STATE, text, "free space on that disk")
                    : Finding.pass(STATE, text);
        } catch (IOException e) {
            LOG.debug("{}: {}", folder, e.toString());
            return Finding.fail(STATE, folder + " cannot be looked at", "look at its disk");
        }
    }

    /** Nix looks for roots below gcroots in its state directory only. */
    Finding roots() {
        Path folder = installation.rootsDir();
        if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
            return Finding.fail(
                    ROOTS,
                    folder + " is not a folder that the service can write to",
                    "systemd-tmpfiles --create nix-post-build-hook-queue.conf",
                    "(another folder also needs ReadWritePaths= in a drop-in)");
        }
        Path all = installation.nixStateDir().resolve("gcroots");
        return folder.normalize().startsWith(all)
                ? Finding.pass(ROOTS, "can be made in " + folder)
                : Finding.warn(
                        ROOTS,
                        "Nix does not look for roots in " + folder,
                        "set NPBHQ_GCROOTS_DIR to a folder below " + all);
    }

    /** A check of the metrics file, if there is one. */
    List<Finding> metrics() {
        Path file = installation.metricsFile();
        Path folder = file == null ? null : file.getParent();
        if (folder == null) {
            return List.of();
        }
        return List.of(
                Files.isDirectory(folder) && Files.isWritable(folder)
                        ? Finding.pass("metrics file", "can be written in " + folder)
                        : Finding.fail(
                                "metrics file",
                                "the service cannot write to " + folder,
                                Remedy.writable(folder.toString()).toArray(String[]::new)));
    }

    /** The Nix daemon, or the store itself. */
    static Finding store(String storeDir, DestinationProbe probe) {
        DeliveryOutcome outcome = probe.connect();
        if (outcome instanceof DeliveryOutcome.Delivered) {
            return Finding.pass("local store", storeDir + " answers");
        }
        String reason =
                outcome instanceof DeliveryOutcome.Cancelled ? "no answer" : outcome.reason();
        return Finding.fail(
                "local store",
                reason.startsWith("cannot start ") ? "Nix cannot be started" : reason,
                "start nix-daemon; it must admit the worker, in nix.conf:",
                "extra-allowed-users = nix-post-build-hook-queue");
    }
}
