package hookqueue.nix;

import hookqueue.base.Text;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Why a {@code nix} child failed, in one line, and what that says about the destination.
 *
 * <p>Nix puts the cause after the last {@code error:} of its message; the text before it is
 * context. If ssh or the other machine failed, Nix only reports that the connection ended. The
 * cause is then the last plain line before that.
 *
 * @param text one line without control characters
 * @param kind what it says about the destination
 */
public record FailureCause(String text, Kind kind) {
    /** What a cause says about the destination. */
    public enum Kind {
        /** Unknown: a path or the destination may be to blame. */
        UNKNOWN,
        /** The destination is overloaded, and asks for a retry later. */
        BUSY,
        /** The destination refuses for a reason of its own; it may accept other paths. */
        UNAVAILABLE,
        /** The connection or the login failed: the destination accepts no path at all. */
        UNREACHABLE,
        /** This Nix has no implementation for the scheme of the URL. */
        UNKNOWN_SCHEME
    }

    private static final int LONGEST_BODY = 200;

    /** Bounds the patterns, which take quadratic time. */
    private static final int LONGEST_READ = 8_000;

    private static final Pattern STATUS = Pattern.compile("HTTP error (\\d{3})");
    private static final Pattern BODY = Pattern.compile("\\s*;?\\s*response body:\\s*");
    private static final Pattern ONLY_CONNECTION =
            Pattern.compile(
                    "cannot connect to|failed to start SSH connection|unexpected end-of-file|"
                            + "unexpected EOF|Broken pipe|Connection reset|Nix daemon disconnected|"
                            + "protocol mismatch|serialised");
    private static final Pattern NO_CAUSE =
            Pattern.compile("(?i)warning: .*|debug\\d: .*|Connection to .* closed.*");
    private static final Pattern UNREACHABLE =
            Pattern.compile(
                    "Couldn't connect to server|Could not connect to server|Couldn't resolve|"
                            + "Could not resolve|Connection refused|Connection timed out|"
                            + "No route to host|Network is unreachable|Host key verification failed|"
                            + "Permission denied \\(|Too many authentication failures|"
                            + "Name or service not known|Temporary failure in name resolution|"
                            + "cannot connect to|failed to start SSH connection|"
                            + "SSL (connect error|peer certificate)|: (command )?not found");
    private static final Pattern UNAVAILABLE =
            Pattern.compile(
                    "No space left on device|[Qq]uota|database or disk is full|"
                            + "Read-only file system|Input/output error|Stale file handle|"
                            + "creating directory|is not a directory");

    /**
     * Reads a cause.
     *
     * @param error Nix's last message at level error, with escape sequences; empty if none
     * @param plain the last line of other programs before it; empty if none
     */
    static FailureCause of(String error, String plain) {
        String text = Text.clean(start(error).replace("\r", ""));
        Matcher body = BODY.matcher(text);
        String response = "";
        if (body.find()) {
            response = oneLine(text.substring(body.end()));
            text = text.substring(0, body.start());
        }
        String cause = afterLastError(text);
        boolean connection = ONLY_CONNECTION.matcher(cause).find();
        if (!plain.isBlank()
                && !NO_CAUSE.matcher(plain).matches()
                && (cause.isBlank() || connection)) {
            cause = afterLastError(Text.clean(start(plain)));
        } else if (isReadable(response)) {
            cause = cause + ": " + response;
        }
        Kind kind = kind(cause);
        return new FailureCause(
                cause, connection && kind == Kind.UNKNOWN ? kind(afterLastError(text)) : kind);
    }

    private static String start(String text) {
        return text.substring(0, Math.min(text.length(), LONGEST_READ));
    }

    private static Kind kind(String cause) {
        Matcher status = STATUS.matcher(cause);
        if (status.find()) {
            return ofStatus(Integer.parseInt(status.group(1)));
        }
        if (cause.contains("don't know how to open Nix store")) {
            return Kind.UNKNOWN_SCHEME;
        }
        if (UNREACHABLE.matcher(cause).find()) {
            return Kind.UNREACHABLE;
        }
        return UNAVAILABLE.matcher(cause).find() ? Kind.UNAVAILABLE : Kind.UNKNOWN;
    }

    /**
     * 401 and 403 are not {@link Kind#UNREACHABLE}: some servers answer 403 for one path, when it
     * would overwrite another. nginx answers 500 when its disk is full.
     */
    private static Kind ofStatus(int status) {
        return switch (status) {
            case 429, 502, 503, 504 -> Kind.BUSY;
            case 401, 403, 407 -> Kind.UNAVAILABLE;
            default -> status >= 500 ? Kind.UNAVAILABLE : Kind.UNKNOWN;
        };
    }

    private static String afterLastError(String text) {
        int last = text.lastIndexOf("error:");
        return oneLine(last < 0 ? text : text.substring(last + "error:".length()));
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s+", " ");
    }

    /** Filters out HTML error pages; a short text such as JSON may help. */
    private static boolean isReadable(String response) {
        return !response.isEmpty()
                && response.length() <= LONGEST_BODY
                && response.indexOf('<') < 0;
    }
}
