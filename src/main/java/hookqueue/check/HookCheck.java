package hookqueue.check;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checks of Nix's settings: whether builds run this program's hook, and whether it may sign.
 *
 * @param own the hook that was installed with this program
 */
record HookCheck(Installation installation, NixFacts facts, Path own) {
    private static final Logger LOG = LoggerFactory.getLogger(HookCheck.class);
    private static final String SUBJECT = "hook";
    private static final String NAME = "nix-post-build-hook-queue";
    private static final String PROFILE = "/nix/var/nix/profiles/default/bin/post-build-hook";
    private static final int LOOKED_AT = 256 * 1024;

    /** The hook beside the library folder that this class comes from. */
    static Path installedHook() {
        Path usual = Path.of("/usr/local/bin/post-build-hook");
        try {
            URI location =
                    HookCheck.class.getProtectionDomain().getCodeSource().getLocation().toURI();
            Path jar = Path.of(location);
            Path lib = jar.getParent();
            if (!jar.toString().endsWith(".jar") || lib == null) {
                return usual;
            }
            Path hook = lib.resolve("../../bin/post-build-hook").normalize();
            Path profile = Path.of(PROFILE);
            return Files.exists(profile) && Files.isSameFile(profile, hook) ? profile : hook;
        } catch (URISyntaxException | IOException e) {
            LOG.debug("{}", e.toString());
            return usual;
        }
    }

    List<Finding> run() {
        Map<String, String> settings = facts.settings();
        var findings = new ArrayList<Finding>();
        findings.add(
                settings.isEmpty()
                        ? Finding.warn(SUBJECT, "Nix does not tell its settings", fix())
                        : hook(settings.getOrDefault("post-build-hook", "")));
        if (installation.signingKey() != null && mayNotSign(settings)) {
            findings.add(
                    Finding.warn(
                            "signing",
                            "the daemon of Nix before 2.17 takes signatures from trusted users only",
                            "use a newer Nix, or add to nix.conf (they may do what root may):",
                            "extra-trusted-users = " + user()));
        }
        return findings;
    }

    private Finding hook(String value) {
        if (value.isEmpty()) {
            return Finding.fail(
                    SUBJECT, "Nix has no post-build-hook, so builds queue nothing", fix());
        }
        Path hook = Path.of(value);
        if (value.matches("/(home|root|run/user)/.*") && !Files.exists(hook)) {
            return Finding.warn(SUBJECT, value + ": the service cannot look there", fix());
        }
        if (!Files.exists(hook)) {
            return Finding.fail(SUBJECT, value + " does not exist: every build fails", fix());
        }
        if (!Files.isRegularFile(hook) || !Files.isExecutable(hook)) {
            return Finding.fail(SUBJECT, value + " cannot be executed: every build fails", fix());
        }
        return isOurs(hook)
                ? Finding.pass(SUBJECT, "builds run " + value)
                : Finding.warn(SUBJECT, value + " is another program, and may not queue", fix());
    }

    /** It is this program's hook, or a script that calls it. */
    private boolean isOurs(Path hook) {
        try {
            if (Files.exists(own) && Files.isSameFile(hook, own)) {
                return true;
            }
            try (InputStream in = Files.newInputStream(hook)) {
                String start = new String(in.readNBytes(LOOKED_AT), StandardCharsets.ISO_8859_1);
                return start.contains(NAME) || start.contains(own.toString());
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", hook, e.toString());
            return false;
        }
    }

    private String[] fix() {
        return new String[] {
            "put this line into /etc/nix/nix.conf, and restart nix-daemon:",
            "post-build-hook = " + own
        };
    }

    private boolean mayNotSign(Map<String, String> settings) {
        Path database = installation.nixStateDir().resolve("db");
        Set<String> trusted = Set.of(settings.getOrDefault("trusted-users", "root").split("\\s+"));
        return facts.isOlderThan(2, 17)
                && !Files.isWritable(database)
                && !trusted.contains("*")
                && !trusted.contains(user());
    }

    private static String user() {
        return System.getProperty("user.name", NAME);
    }
}
