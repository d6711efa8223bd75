package hookqueue.delivery;

import hookqueue.base.Text;
import hookqueue.queue.LaneStore;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A place that receives paths. */
public sealed interface Destination {
    /** Its name in {@code status}, in the journal and in the database; never with a password. */
    String name();

    /** Two destinations with the same identity are the same one, however they are spelt. */
    String identity();

    /** The destination itself, without the name that the settings gave it. */
    default Destination place() {
        return this;
    }

    /** The URL of a Nix store; empty for a program. */
    default String url() {
        return "";
    }

    /** A URL, whose first group is the scheme. */
    Pattern URL = Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*)://.*");

    /**
     * Linux limits the arguments and the environment of a process to 2 MiB, and a path has up to
     * some 270 bytes.
     */
    int MOST_AT_ONCE = 4_000;

    /** Most paths for one child process. */
    default int mostAtOnce() {
        return MOST_AT_ONCE;
    }

    /** Whether old versions of Nix hang because of a parameter of its URL. */
    default boolean mayHangNix() {
        return url().matches("ssh(-ng)?://.*[?&]max-connections=.*");
    }

    /**
     * A destination with a name of its own, which keeps its queue when its URL changes.
     *
     * @param name {@code [a-z][a-z0-9_]{0,31}}, but not the name of the lane that signs
     */
    record Named(String name, Destination place) implements Destination {
        private static final Pattern WORD = Pattern.compile("([a-z][a-z0-9_]{0,31})=(.*)");

        /** Checks the name. */
        public Named {
            if (name.equals(LaneStore.SIGN)) {
                throw new IllegalArgumentException(
                        "not a destination's name (the lane that signs has it): " + name);
            }
        }

        @Override
        public String identity() {
            return place.identity();
        }

        @Override
        public String url() {
            return place.url();
        }

        @Override
        public int mostAtOnce() {
            return place.mostAtOnce();
        }
    }

    /** A Nix store, with a URL as {@code nix copy --to} takes it. */
    record Store(String url) implements Destination {
        /**
         * The schemes of the stores that Nix can write to ({@code src/libstore}, 2.4 to 2.34) on
         * this machine, and on others. Debian's 2.8 and 2.26 lack s3.
         */
        private static final Set<String> LOCAL =
                Set.of("file", "local", "local-overlay", "unix", "daemon", "auto");

        private static final Set<String> REMOTE =
                Set.of("ssh", "ssh-ng", "mounted-ssh-ng", "s3", "http", "https");

        private static final Pattern PASSWORD = Pattern.compile("(://[^/@:\\s]*:)(?!\\d+/)\\S*@");

        /** Whether it is on this machine. */
        boolean isLocal() {
            Matcher parts = URL.matcher(url);
            return !parts.matches() || LOCAL.contains(lowerCase(parts.group(1)));
        }

        @Override
        public String name() {
            return withoutPasswords(url);
        }

        @Override
        public String identity() {
            try {
                URI uri = new URI(url);
                String scheme = lowerCase(String.valueOf(uri.getScheme()));
                // Java finds no host in an authority that breaks the RFC, such as one with an
                // underscore
                String place = uri.getHost() == null ? uri.getRawAuthority() : uri.getHost();
                String host = place == null ? "" : lowerCase(place);
                // URLs that differ only in the password have one name, so they are one destination
                String user = uri.getUserInfo() == null ? "" : uri.getUserInfo().split(":", 2)[0];
                String path = uri.getPath() == null ? "" : uri.getPath().replaceAll("/+", "/");
                String query = uri.getQuery() == null ? "" : sorted(uri.getQuery());
                int port = uri.getPort() == standardPort(scheme) ? -1 : uri.getPort();
                if (path.endsWith("/")) {
                    path = path.substring(0, path.length() - 1);
                }
                return scheme + "://" + user + "@" + host + ":" + port + path + "?" + query;
            } catch (URISyntaxException e) {
                return url;
            }
        }

        private static String sorted(String query) {
            String[] parts = query.split("&");
            Arrays.sort(parts);
            return String.join("&", parts);
        }

        private static int standardPort(String scheme) {
            return switch (scheme) {
                case "ssh", "ssh-ng" -> 22;
                case "http" -> 80;
                case "https" -> 443;
                default -> -1;
            };
        }
    }

    /** A program at an absolute path, run with the paths as arguments and in {@code OUT_PATHS}. */
    record Exec(String program) implements Destination {
        /** Linux limits one environment variable to 128 KiB. */
        private static final int OUT_PATHS = 400;

        @Override
        public String name() {
            return "exec:" + program;
        }

        @Override
        public int mostAtOnce() {
            return OUT_PATHS;
        }

        @Override
        public String identity() {
            return name().replaceAll("/+", "/");
        }
    }

    /** A word or the space between two. */
    Pattern WORD = Pattern.compile("\\S+|\\s+");

    /** Hides the passwords of the URLs in a text: programs name URLs in errors. */
    static String withoutPasswords(String text) {
        var shown = new StringBuilder(text.length());
        Matcher words = WORD.matcher(text);
        while (words.find()) {
            String word = words.group();
            int end = word.lastIndexOf('@') + 1; // bounds the search: nothing matches after it
            shown.append(Store.PASSWORD.matcher(word.substring(0, end)).replaceAll("$1***@"))
                    .append(word, end, word.length());
        }
        return shown.toString();
    }

    /**
     * Parses one word of {@code NPBHQ_UPLOAD_TO}: a URL, or {@code NAME=URL}.
     *
     * @throws IllegalArgumentException naming the value and the rule
     */
    static Destination parse(String word) {
        if (!Text.clean(word).equals(word)) {
            throw new IllegalArgumentException("has control characters: " + shown(word));
        }
        Matcher named = Named.WORD.matcher(word);
        return named.matches() ? new Named(named.group(1), place(named.group(2))) : place(word);
    }

    private static Destination place(String word) {
        if (word.startsWith("exec:")) {
            String program = word.substring("exec:".length());
            if (!program.startsWith("/")) {
                throw new IllegalArgumentException(
                        "not an absolute path after exec: (exec:/path/program): "
                                + Text.quoted(word));
            }
            return new Exec(program);
        }
        Matcher url = URL.matcher(word);
        String scheme = url.matches() ? lowerCase(url.group(1)) : "";
        if (url.matches() && !Store.LOCAL.contains(scheme) && !Store.REMOTE.contains(scheme)) {
            throw new IllegalArgumentException(
                    "Nix has no store with the scheme "
                            + Text.quoted(url.group(1))
                            + ":// (but ssh, ssh-ng, s3, http, https, file, local, unix, daemon,"
                            + " auto): "
                            + shown(word));
        }
        if (!url.matches()
                && !word.matches("(daemon|local|auto)(\\?.*)?")
                && !word.startsWith("/")) {
            throw new IllegalArgumentException(
                    "not a Nix store URL (ssh://, ssh-ng://, s3://, http(s)://, file://, …)"
                            + " nor exec:/path/program, with NAME= before it or without"
                            + " (NAME: a-z, then a-z 0-9 _, at most 32): "
                            + shown(word));
        }
        return new Store(word);
    }

    private static String lowerCase(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    /** Hides all of a mistyped URL that may hold a password, because no rule finds it there. */
    private static String shown(String word) {
        int at = word.lastIndexOf('@');
        int scheme = word.indexOf(':') + 1;
        return Text.quoted(
                at > scheme ? word.substring(0, scheme) + "***" + word.substring(at) : word);
    }
}
