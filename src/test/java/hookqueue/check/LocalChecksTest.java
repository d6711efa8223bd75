package hookqueue.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.delivery.Destination;
import hookqueue.nix.Nix;
import hookqueue.process.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checks that ask no destination, with a script in the place of Nix. */
class LocalChecksTest {
    @TempDir Path folder;
    private final ChildProcess children = new ChildProcess(Duration.ofSeconds(10));
    private final Map<String, String> environment = new HashMap<>();
    private @Nullable Path key;
    private List<String> destinations = List.of("ssh://h");
    private Path hook;

    @BeforeEach
    void begin() throws IOException {
        hook = script("post-build-hook", "");
        environment.put("NIX_STATE_DIR", folder.toString());
        Files.createDirectories(folder.resolve("gcroots/mine"));
    }

    private Path script(String name, String body) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + body + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** A Nix of that version, with these settings, that knows the older word for them alone. */
    private Path nix(String version, String settings) throws IOException {
        return script(
                "nix",
                "case $* in --version) echo 'nix (Nix) "
                        + version
                        + "' ;; *show-config) printf '"
                        + settings
                        + "' ;; *) echo error: not recognised; exit 1 ;; esac");
    }

    private Installation installation() {
        return new Installation(
                environment,
                key,
                destinations.stream()
                        .map(url -> new Installation.Target(Destination.parse(url), false))
                        .toList(),
                folder,
                folder.resolve("gcroots/mine"),
                null,
                new Nix(folder.resolve("nix").toString(), "/nix/store"),
                List.of());
    }

    private NixFacts facts() {
        return new NixFacts(installation().nix(), children, Map.of());
    }

    private LocalChecks local() {
        return new LocalChecks(installation(), facts());
    }

    private static List<String> lines(List<Finding> findings) {
        var lines = new ArrayList<String>();
        findings.forEach(finding -> lines.addAll(finding.lines()));
        return lines;
    }

    private List<String> hookLines() {
        return lines(new HookCheck(installation(), facts(), hook).run());
    }

    @Test
    void versionsOfProgramJavaAndNixAreShown() throws IOException {
        nix("2.8.0", "");
        List<String> lines = local().versions().lines();
        assertTrue(lines.getFirst().startsWith("pass  versions: nix-post-build-hook-queue "));
        assertTrue(lines.getFirst().endsWith(", Nix 2.8.0"), lines::toString);
        nix("2.3.16", "");
        assertTrue(local().versions().lines().getFirst().endsWith("; Nix 2.3.16 is too old"));
        Files.delete(folder.resolve("nix"));
        lines = local().versions().lines();
        assertTrue(lines.getFirst().startsWith("FAIL  versions: "), lines::toString);
        assertTrue(lines.getFirst().endsWith("/nix --version does not work"), lines::toString);
    }

    @Test
    void rootsOutsideNixGcrootsAreAWarning() throws IOException {
        Path mine = folder.resolve("gcroots/mine");
        assertEquals(List.of("pass  GC roots: can be made in " + mine), local().roots().lines());
        environment.put("NIX_STATE_DIR", "/nix/var/nix");
        assertEquals(
                List.of(
                        "warn  GC roots: Nix does not look for roots in " + mine,
                        "      fix: set NPBHQ_GCROOTS_DIR to a folder below /nix/var/nix/gcroots"),
                local().roots().lines());
        Files.delete(mine);
        assertTrue(local().roots().lines().getFirst().startsWith("FAIL  GC roots: " + mine));
    }

    @Test
    void hookOrAScriptThatCallsItPasses() throws IOException {
        nix("2.18.1", "a = b\\npost-build-hook = " + hook + "\\n");
        assertEquals(List.of("pass  hook: builds run " + hook), hookLines());
        Path caller = script("caller", "exec " + hook);
        nix("2.18.1", "post-build-hook = " + caller + "\\n");
        assertEquals(List.of("pass  hook: builds run " + caller), hookLines());
    }

    @Test
    void otherHookIsAWarningAndBrokenHookAFailure() throws IOException {
        Path other = script("other", "echo hello");
        nix("2.18.1", "post-build-hook = " + other + "\\n");
        assertEquals(
                List.of(
                        "warn  hook: " + other + " is another program, and may not queue",
                        "      fix: put this line into /etc/nix/nix.conf, and restart nix-daemon:",
                        "           post-build-hook = " + hook),
                hookLines());
        Files.setPosixFilePermissions(other, PosixFilePermissions.fromString("rw-r--r--"));
        assertEquals(
                "FAIL  hook: " + other + " cannot be executed: every build fails",
                hookLines().getFirst());
        Files.delete(other);
        assertEquals(
                "FAIL  hook: " + other + " does not exist: every build fails",
                hookLines().getFirst());
        nix("2.18.1", "post-build-hook = \\n");
        assertEquals(
                "FAIL  hook: Nix has no post-build-hook, so builds queue nothing",
                hookLines().getFirst());
        nix("2.18.1", "post-build-hook = /home/x/hook\\n");
        assertEquals(
                "warn  hook: /home/x/hook: the service cannot look there", hookLines().getFirst());
        Files.delete(folder.resolve("nix"));
        assertEquals("warn  hook: Nix does not tell its settings", hookLines().getFirst());
    }

    @Test
    void oldNixWarnsThatOnlyTrustedUsersMaySign() throws IOException {
        key = folder.resolve("key");
        String settings = "post-build-hook = " + hook + "\\ntrusted-users = somebody";
        nix("2.8.0", settings + "\\n");
        List<String> lines = hookLines();
        assertTrue(lines.get(1).startsWith("warn  signing: "), lines::toString);
        nix("2.8.0", settings + " " + System.getProperty("user.name") + "\\n");
        assertEquals(1, hookLines().size());
        nix("2.17.0", settings + "\\n");
        assertEquals(1, hookLines().size());
        key = null;
        nix("2.8.0", settings + "\\n");
        assertEquals(1, hookLines().size());
    }

    @Test
    void unreadableOrMalformedKeyIsAFailure() throws IOException {
        key = folder.resolve("key");
        var keys = new KeyChecks(installation(), children, Map.of());
        assertEquals(
                "FAIL  signing key: " + key + " cannot be read",
                lines(keys.signing().findings()).getFirst());
        Files.writeString(key, "nonsense");
        assertEquals(
                "FAIL  signing key: " + key + " is not a secret key: it is not NAME:BASE64",
                lines(keys.signing().findings()).getFirst());
    }

    @Test
    void worldReadableKeyIsAWarning() throws IOException {
        key =
                Files.writeString(
                        folder.resolve("key"),
                        "test-1:/VaaYO3bkLtP6+F5q1aoRHrGeSFIXzr4Guvynwo2NYBC++B8gFdYy6UanycfFguWnCxJCrfJH0+mLvij26YcZA==");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        var keys = new KeyChecks(installation(), children, Map.of());
        String pass =
                "pass  signing key: its public half is test-1:QvvgfIBXWMulGp8nHxYLlpwsSQq3yR9Ppi74o9umHGQ=";
        assertEquals(
                List.of(
                        pass,
                        "warn  signing key: every user may read " + key,
                        "      fix: chmod go= " + key),
                lines(keys.signing().findings()));
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("r--------"));
        assertEquals(List.of(pass), lines(keys.signing().findings()));
    }

    @Test
    void sshOptionsNameKeysKnownHostsAndPort() {
        assertEquals(
                new SshOptions(
                        List.of(Path.of("/a"), Path.of("/b"), Path.of("/c")), "/known", "22"),
                SshOptions.parse(
                        "-p 22 -i /a -o BatchMode=yes -o IdentityFile=/b -oidentityfile=/c -o UserKnownHostsFile=/known"));
        assertEquals(new SshOptions(List.of(), "~/.ssh/known_hosts", ""), SshOptions.parse(""));
    }

    @Test
    void aMissingSshKeyIsAWarningIfADestinationUsesSsh() {
        Path ssh = folder.resolve("ssh");
        environment.put("NIX_SSHOPTS", "-i " + ssh);
        var keys = new KeyChecks(installation(), children, Map.of());
        assertEquals("warn  SSH key: there is none at " + ssh, lines(keys.ssh()).getFirst());
        destinations = List.of("http://h");
        assertEquals(List.of(), new KeyChecks(installation(), children, Map.of()).ssh());
    }
}
