package hookqueue.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.delivery.Destination;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Nix and ssh say, as src/test/destinations sees it, and what helps. */
class RemedyTest {
    private static final SshOptions OPTIONS = new SshOptions(List.of(), "/hosts", "23");

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '|',
            value = {
                "ssh://u@h ~ Host key verification failed. ~ ssh-keyscan -p 23 h ",
                "ssh://u@h:24 ~ Host key verification failed. ~ ssh-keyscan -p 24 h ",
                "ssh://u@h ~ Host key verification failed. ~ >>/hosts",
                "ssh://h ~ Host key verification failed: changed key of h ~ may be an attack",
                "ssh://h ~ Host key verification failed: changed key of h ~ -R 'h' -f /hosts",
                "ssh://h ~ error: Host key verification failed: changed key of h | x ~ -R 'h' -f /hosts",
                "ssh://h ~ Host key verification failed: changed key of [h]:2 ~ -R '[h]:2' -f /hosts",
                "ssh://h ~ Host key verification failed: changed key of $(id)' ~ -R '??id??' -f",
                "ssh-ng://u@h:22 ~ u@h: Permission denied (publickey). ~ authorized_keys of u at h",
                "a=ssh://h ~ Permission denied (publickey). ~ authorized_keys of the user at h",
                "ssh://h:2222 ~ Could not resolve hostname h:2222 ~ put -p 2222 into NIX_SSHOPTS",
                "ssh://h ~ Could not resolve hostname h ~ correct the host name",
                "ssh://h ~ ssh: connect to host h port 22: Connection refused ~ start sshd at h",
                "ssh://h ~ bash: nix-store: command not found ~ ?remote-program=",
                "ssh-ng://h ~ no progress for 20s, so it was ended ~ start sshd at h",
                "ssh-ng://h ~ path lacks a signature by a trusted key ~ trusted-public-keys",
                "s3://b ~ don't know how to open Nix store with scheme 's3' ~ NPBHQ_NIX",
                "http://h ~ HTTP error 401 ~ netrc-file",
                "http://h ~ 'http://h' does not appear to be a binary cache ~ netrc-file",
                "http://h ~ HTTP error 413 ~ client_max_body_size",
                "http://h ~ HTTP error 403 ~ dav_methods PUT",
                "s3://b ~ HTTP error 404 ~ create the bucket",
                "http://h ~ HTTP error 500 ~ error log",
                "http://h ~ HTTP error 503 ~ tries again by itself",
                "http://h ~ HTTP error 507 ~ make room",
                "file:///c ~ writing '/c/x': No space left on device ~ make room",
                "http://u:secret@h/x?a=b ~ Could not connect to server (7) ~ curl -I http://u:***@h/x",
                "https://h ~ SSL peer certificate or SSH remote key was not OK ~ ssl-cert-file",
                "file:///c/d?x=y ~ creating directory '/c/d': Read-only file system ~ ReadWritePaths=/c/d"
            })
    void knownRefusalHasAFix(String destination, String reason, String part) {
        String fix = String.join("\n", Remedy.of(Destination.parse(destination), reason, OPTIONS));
        assertTrue(fix.contains(part), () -> part + ": " + fix);
    }

    @Test
    void unknownReasonHasNoFix() {
        assertEquals(
                List.of(), Remedy.of(Destination.parse("http://h"), "the moon is full", OPTIONS));
        assertEquals(List.of(), Remedy.of(Destination.parse("exec:/p"), "exit 1", OPTIONS));
    }
}
