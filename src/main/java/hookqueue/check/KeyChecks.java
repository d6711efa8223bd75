package hookqueue.check;

import hookqueue.base.Text;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checks of the signing key and of the SSH key: readable, valid, and their public halves. */
record KeyChecks(Installation installation, ChildProcess children, Map<String, String> variables) {
    private static final Logger LOG = LoggerFactory.getLogger(KeyChecks.class);
    private static final String SIGNING = "signing key";
    private static final String SSH = "SSH key";
    private static final String CREDENTIAL = "/etc/credstore/nix-post-build-hook-queue.";

    /** The signing key, if it is valid, and what was found about it. */
    record Signing(Optional<SecretKey> key, List<Finding> findings) {}

    Signing signing() {
        Path file = installation.signingKey();
        if (file == null) {
            return noKey(Finding.note(SIGNING, "none is set, so the worker signs nothing"));
        }
        SecretKey key;
        try {
            key = SecretKey.parse(Files.readString(file));
        } catch (IOException e) {
            LOG.debug("{}: {}", file, e.toString());
            return noKey(
                    Finding.fail(
                            SIGNING,
                            file + " cannot be read",
                            "put the key at " + CREDENTIAL + "signing-key, or let the",
                            "service's user read the file; then restart the service"));
        } catch (IllegalArgumentException e) {
            return noKey(
                    Finding.fail(
                            SIGNING,
                            file + " is not a secret key: " + e.getMessage(),
                            "nix key generate-secret --key-name NAME makes one"));
        }
        var findings = new ArrayList<Finding>();
        findings.add(Finding.pass(SIGNING, "its public half is " + key.publicHalf()));
        if (othersMayRead(file)) {
            findings.add(Finding.warn(SIGNING, "every user may read " + file, "chmod go= " + file));
        }
        return new Signing(Optional.of(key), findings);
    }

    private static Signing noKey(Finding finding) {
        return new Signing(Optional.empty(), List.of(finding));
    }

    private static boolean othersMayRead(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException e) {
            LOG.debug("{}: {}", file, e.toString());
            return false;
        }
    }

    /** The SSH keys that {@code NIX_SSHOPTS} names. */
    List<Finding> ssh() {
        if (installation.targets().stream()
                .noneMatch(target -> Remedy.isSsh(target.destination()))) {
            return List.of();
        }
        List<Path> files = installation.sshOptions().identityFiles();
        if (files.isEmpty()) {
            return List.of(Finding.note(SSH, "NIX_SSHOPTS names none; ssh uses its own defaults"));
        }
        return files.stream().map(this::ssh).toList();
    }

    private Finding ssh(Path file) {
        String[] fix = {
            "put the private key at " + CREDENTIAL + "ssh-key (mode 0600),",
            "and restart the service"
        };
        if (!Files.exists(file)) {
            return Finding.warn(SSH, "there is none at " + file, fix);
        }
        if (!Files.isReadable(file)) {
            return Finding.fail(SSH, file + " cannot be read", fix);
        }
        List<String> output = Collections.synchronizedList(new ArrayList<>());
        ExitResult end =
                children.run(
                        List.of("ssh-keygen", "-y", "-P", "", "-f", file.toString()),
                        variables,
                        line -> output.add(Text.clean(line.stripTrailing())));
        if (end.succeeded() && !output.isEmpty()) {
            return Finding.pass(SSH, "its public half is " + output.getLast());
        }
        if (end instanceof ExitResult.NotStarted) {
            return Finding.pass(SSH, file + " can be read; there is no ssh-keygen to look at it");
        }
        String said = output.isEmpty() ? "ssh-keygen says nothing" : output.getLast();
        return Finding.fail(
                SSH,
                file + " cannot be used: " + Text.shortened(said, 200),
                "use a private key without a passphrase, which nobody can type here");
    }
}
