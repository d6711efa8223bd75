package hookqueue.check;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.delivery.DeliveryOutcome;
import hookqueue.delivery.Destination;
import hookqueue.delivery.DestinationProbe;
import hookqueue.delivery.Transport;
import hookqueue.nix.PathInfo;
import hookqueue.nix.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checks of one destination, in this order: it answers, hints about its URL, a test upload.
 *
 * @param probe asks it; for a Nix store
 * @param testPath the path of the test upload, or null for none
 * @param key signs the test path
 * @param sshOptions for the words of a fix
 */
record DestinationChecks(
        Destination destination,
        String subject,
        DestinationProbe probe,
        Transport copy,
        @Nullable TestPath testPath,
        Optional<SecretKey> key,
        SshOptions sshOptions) {
    private static final Logger LOG = LoggerFactory.getLogger(DestinationChecks.class);
    private static final String[] JOURNAL = {
        "the journal has the command, to be repeated by hand:",
        "journalctl -u nix-post-build-hook-queue -n 20"
    };

    List<Finding> run() {
        Destination place = destination.place();
        var findings = new ArrayList<Finding>();
        findings.add(
                place instanceof Destination.Exec exec
                        ? program(Path.of(exec.program()))
                        : store());
        if (findings.getFirst().level() == Finding.Level.FAIL) {
            return findings;
        }
        findings.addAll(hints());
        StorePath path = testPath == null ? null : testPath.made().path();
        if (path != null) { // else the test path has a finding of its own
            findings.add(upload(path, place instanceof Destination.Exec));
        }
        return findings;
    }

    private Finding store() {
        long start = System.nanoTime();
        DeliveryOutcome outcome = probe.connect();
        if (!(outcome instanceof DeliveryOutcome.Delivered)) {
            return refused("", outcome);
        }
        String folder = Remedy.folder(destination);
        if (!folder.isEmpty() && !Files.isWritable(Path.of(folder))) {
            return Finding.fail(
                    subject,
                    "the service cannot write to " + folder,
                    Remedy.writable(folder).toArray(String[]::new));
        }
        return Finding.pass(subject, "answers after " + since(start));
    }

    private Finding refused(String before, DeliveryOutcome outcome) {
        String reason = outcome.reason();
        if (outcome instanceof DeliveryOutcome.Cancelled) {
            reason = "no answer in time";
        } else if (reason.startsWith("cannot start ")) {
            reason = reason.substring(0, reason.indexOf(": "));
        }
        List<String> fix = Remedy.of(destination, reason, sshOptions);
        return Finding.fail(
                subject, before + reason, fix.isEmpty() ? JOURNAL : fix.toArray(String[]::new));
    }

    private Finding program(Path program) {
        if (!Files.exists(program)) {
            return Finding.fail(
                    subject,
                    "there is no such program",
                    "correct NPBHQ_UPLOAD_TO; the service sees nothing below /home and /root");
        }
        if (!Files.isRegularFile(program) || !Files.isExecutable(program)) {
            return Finding.fail(
                    subject,
                    "the service cannot execute it",
                    "chmod a+rx " + program,
                    "(nor can it execute anything in folders that it can write to)");
        }
        if (othersMayWrite(program)) {
            return Finding.warn(
                    subject,
                    "other users may write to it or its folder",
                    "chmod go-w " + program + " " + program.getParent());
        }
        return Finding.pass(
                subject,
                testPath == null ? "can be executed; --upload would do so" : "can be executed");
    }

    private static boolean othersMayWrite(Path program) {
        try {
            Path file = program.toRealPath();
            Path folder = file.getParent();
            int sticky = 01000;
            boolean inFolder =
                    folder != null
                            && isWritableForOthers(folder)
                            && ((Integer) Files.getAttribute(folder, "unix:mode") & sticky) == 0;
            return inFolder || isWritableForOthers(file);
        } catch (IOException e) {
            LOG.debug("{}: {}", program, e.toString());
            return false;
        }
    }

    private static boolean isWritableForOthers(Path file) throws IOException {
        return Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS)
                .contains(PosixFilePermission.OTHERS_WRITE);
    }

    private List<Finding> hints() {
        String url = destination.url();
        var hints = new ArrayList<Finding>();
        if (Remedy.isSsh(destination) && url.matches(".*[?&]max-connections=.*")) {
            hints.add(
                    Finding.warn(
                            subject,
                            "max-connections hangs Nix 2.8 and 2.26 over ssh",
                            "remove it from the URL; NPBHQ_PARALLEL does the same"));
        }
        if (url.startsWith("ssh://")) {
            hints.add(
                    Finding.note(
                            subject,
                            "ssh-ng:// sends many paths in one stream; ssh:// waits for each"));
        }
        if (Remedy.isBinaryCache(destination) && !url.contains("compression=")) {
            hints.add(
                    Finding.note(
                            subject,
                            "compresses with xz, slowly; "
                                    + (url.contains("?") ? "&" : "?")
                                    + "compression=zstd is fast"));
        }
        return hints;
    }

    private Finding upload(StorePath path, boolean program) {
        long start = System.nanoTime();
        var progress = new Progress();
        DeliveryOutcome outcome = copy.carry(List.of(path), progress);
        if (!(outcome instanceof DeliveryOutcome.Delivered)) {
            return refused("test upload: ", outcome);
        }
        if (program) {
            return Finding.pass(subject, "test upload: the program took it, " + since(start));
        }
        List<PathInfo> found = Collections.synchronizedList(new ArrayList<>());
        DeliveryOutcome asked = probe.find(path, found::add);
        if (!(asked instanceof DeliveryOutcome.Delivered)) {
            return refused("test upload: it cannot be asked for it: ", asked);
        }
        return arrived(found, !progress.copied().isEmpty(), since(start));
    }

    private Finding arrived(List<PathInfo> found, boolean copied, String time) {
        if (found.isEmpty()) {
            return Finding.fail(
                    subject,
                    "test upload: it took the path, but does not have it",
                    "look at the server: it may drop or cache what is written");
        }
        String how = copied ? "arrived" : "it had the test path already";
        if (key.isEmpty()) {
            return Finding.pass(subject, "test upload: " + how + ", " + time);
        }
        String name = key.get().name();
        return found.getFirst().keys().contains(name)
                ? Finding.pass(subject, "test upload: " + how + ", signed by " + name + ", " + time)
                : Finding.warn(
                        subject,
                        "test upload: " + how + ", without a signature by " + name,
                        "it keeps the first signatures of a path; delete the test path there,",
                        "and check again");
    }

    private static String since(long start) {
        return Durations.shown(Duration.ofMillis((System.nanoTime() - start) / 1_000_000));
    }
}
