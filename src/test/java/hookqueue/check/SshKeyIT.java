package hookqueue.check;

import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.delivery.Destination;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check of the SSH key, with the real ssh-keygen. */
class SshKeyIT {
    @TempDir Path folder;
    private final ChildProcess children = new ChildProcess(Duration.ofSeconds(10));

    private List<String> check(String passphrase) {
        Path key = folder.resolve("key" + passphrase);
        var said = new ArrayList<String>();
        var keygen =
                List.of(
                        "ssh-keygen",
                        "-q",
                        "-t",
                        "ed25519",
                        "-N",
                        passphrase,
                        "-f",
                        key.toString());
        assertTrue(children.run(keygen, Map.of(), said::add).succeeded(), said::toString);
        var installation =
                new Installation(
                        Map.of("NIX_SSHOPTS", "-i " + key),
                        null,
                        List.of(new Installation.Target(Destination.parse("ssh://h"), false)),
                        folder,
                        folder,
                        null,
                        new Nix("nix", "/nix/store"),
                        List.of());
        return new KeyChecks(installation, children, Map.of())
                .ssh().stream().flatMap(finding -> finding.lines().stream()).toList();
    }

    @Test
    void aKeyWithAPassphraseIsAFailure() {
        List<String> lines = check("secret");
        assertTrue(
                lines.getFirst()
                        .startsWith(
                                "FAIL  SSH key: "
                                        + folder.resolve("keysecret")
                                        + " cannot be used: "),
                lines::toString);
    }

    @Test
    void thePublicHalfOfAKeyIsShown() {
        List<String> lines = check("");
        assertTrue(
                lines.getFirst().startsWith("pass  SSH key: its public half is ssh-ed25519 "),
                lines::toString);
    }
}
