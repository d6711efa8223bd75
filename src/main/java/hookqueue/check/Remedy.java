package hookqueue.check;

import hookqueue.delivery.Destination;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an operator can do about a destination that refuses, by the text of the refusal. Pure. */
final class Remedy {
    private static final String UNIT = "nix-post-build-hook-queue.service";
    private static final Pattern SSH =
            Pattern.compile(
                    "(?:mounted-)?ssh(?:-ng)?://(?:([^@/]*)@)?(\\[[^]]*]|[^:/?]*)(:\\d+)?.*");
    private static final Pattern CHANGED_KEY =
            Pattern.compile("Host key verification failed: changed key of (\\S+)");
    private static final Pattern HTTP = Pattern.compile("https?://.*");
    private static final Pattern FILE = Pattern.compile("(?:file://)?(/[^?]*).*");

    private Remedy() {}

    static boolean isSsh(Destination destination) {
        return SSH.matcher(destination.url()).matches();
    }

    /** Whether it is a cache that Nix compresses paths for. */
    static boolean isBinaryCache(Destination destination) {
        return destination.url().matches("(https?|s3|file)://.*");
    }

    /** The folder of a cache on this machine; empty for any other destination. */
    static String folder(Destination destination) {
        Matcher file = FILE.matcher(destination.url());
        return file.matches() && destination.url().startsWith("file:") ? file.group(1) : "";
    }

    /** The lines of the fix; none if the text says nothing that is known here. */
    static List<String> of(Destination destination, String reason, SshOptions options) {
        String url = destination.url();
        Matcher ssh = SSH.matcher(url);
        if (ssh.matches()) {
            List<String> lines = ofSsh(ssh, reason, options);
            if (!lines.isEmpty()) {
                return lines;
            }
        }
        if (has(reason, "don't know how to open")) {
            return List.of("use a newer Nix (NPBHQ_NIX), or another kind of destination");
        }
        if (has(reason, "Read-only file system|[Pp]ermission denied|creating directory")
                && FILE.matcher(url).matches()) {
            return writable(folder(destination).isEmpty() ? url : folder(destination));
        }
        if (has(reason, "No space left|[Qq]uota|disk is full|HTTP error 507")) {
            return List.of("make room at the destination");
        }
        if (has(reason, "HTTP error 500")) {
            return List.of(
                    "read the server's error log (nginx answers 500 when its disk is full:",
                    "then make room there)");
        }
        if (has(reason, "HTTP error (429|502|503|504)")) {
            return List.of(
                    "wait: the queue tries again by itself; if the server stays busy, read",
                    "its error log, and lower NPBHQ_PARALLEL");
        }
        if (has(reason, "HTTP error 404") && url.startsWith("s3:")) {
            return List.of(
                    "create the bucket, or correct its name and endpoint in NPBHQ_UPLOAD_TO");
        }
        if (has(reason, "HTTP error 403")) {
            return List.of(
                    "permit this login GET and PUT below the URL (nginx: dav_methods PUT);",
                    "the login is in netrc-file of nix.conf, for s3:// in ~/.aws/credentials");
        }
        if (has(reason, "HTTP error 413")) {
            return List.of("raise the server's limit (nginx: client_max_body_size)");
        }
        if (has(reason, "HTTP error (401|407)|not appear to be a binary cache")) {
            return List.of(
                    "put the password into netrc-file of nix.conf, readable for the",
                    "service's user; the server must permit GET and PUT below the URL");
        }
        if (has(reason, "signature by a trusted key|lacks a (valid )?signature")) {
            return List.of(
                    "add the public half of the signing key to trusted-public-keys",
                    "in the nix.conf of the destination");
        }
        if (has(reason, "SSL|certificate")) {
            return List.of("point ssl-cert-file of nix.conf to the server's authority");
        }
        if (has(reason, "resolve|Name or service not known|name resolution")) {
            return List.of("correct the host name in NPBHQ_UPLOAD_TO, or the name service");
        }
        if (has(reason, "onnect to server|Connection|No route|unreachable|timed out|timeout")
                && HTTP.matcher(url).matches()) {
            return List.of("start the server, or open the way to it: curl -I " + shown(url));
        }
        return List.of();
    }

    private static List<String> ofSsh(Matcher ssh, String reason, SshOptions options) {
        String host = ssh.group(2);
        String user = ssh.group(1) == null ? "the user" : ssh.group(1);
        String port = ssh.group(3) == null ? options.port() : ssh.group(3).substring(1);
        Matcher changed = CHANGED_KEY.matcher(reason);
        if (changed.find()) {
            return List.of(
                    "this may be an attack; if the host's administrator has changed the key:",
                    "ssh-keygen -R '"
                            + changed.group(1).replaceAll("[^-\\w.:%\\[\\]]", "?")
                            + "' -f "
                            + options.knownHosts());
        }
        if (has(reason, "Host key verification failed")) {
            return List.of(
                    "compare the host's key with what its administrator says, then:",
                    "ssh-keyscan " + (port.isEmpty() ? "" : "-p " + port + " ") + host + " \\",
                    "    >>" + options.knownHosts());
        }
        if (has(reason, "Permission denied|Too many authentication failures")) {
            return List.of(
                    "put the public half of the SSH key, see above, into",
                    "authorized_keys of " + user + " at " + host);
        }
        if (has(reason, "resolve|Name or service not known") && ssh.group(3) != null) {
            return List.of(
                    "this Nix takes no port in the URL: put -p "
                            + ssh.group(3).substring(1)
                            + " into NIX_SSHOPTS");
        }
        if (has(reason, "not found|No such file")) {
            return List.of(
                    "Nix is not in the PATH of that login; add to the URL:",
                    "?remote-program=/nix/var/nix/profiles/default/bin/nix-daemon",
                    "(for ssh:// …/nix-store)");
        }
        if (has(reason, "Connection|No route|unreachable|timed out|no progress")) {
            return List.of("start sshd at " + host + ", or open the way to its port");
        }
        return List.of();
    }

    /** How to let the service write to a folder. */
    static List<String> writable(String folder) {
        return List.of(
                "create " + folder + " for the user nix-post-build-hook-queue, then",
                "systemctl edit " + UNIT,
                "    [Service]",
                "    ReadWritePaths=" + folder);
    }

    private static String shown(String url) {
        return Destination.withoutPasswords(url.replaceAll("\\?.*", ""));
    }

    private static boolean has(String reason, String pattern) {
        return Pattern.compile(pattern).matcher(reason).find();
    }
}
