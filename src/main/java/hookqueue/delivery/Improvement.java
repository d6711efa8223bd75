package hookqueue.delivery;

import java.util.regex.Pattern;

/** A change of a destination's URL that makes uploads faster in some networks. */
public enum Improvement {
    /** None is known. */
    NONE,
    /** A binary cache that Nix fills with xz, its default: zstd takes less processor time. */
    ZSTD,
    /** ssh:// waits for an answer to every path, and ssh-ng:// does not. */
    SSH_NG,
    /** Some versions of Nix hang with max-connections over SSH. */
    NO_MAX_CONNECTIONS;

    private static final Pattern CACHE = Pattern.compile("(?i)(https?|file|s3)://.*");
    private static final Pattern COMPRESSION = Pattern.compile(".*[?&]compression=.*");

    /** The improvement that the URL of a destination leaves open. */
    public static Improvement of(Destination destination) {
        if (destination.mayHangNix()) {
            return NO_MAX_CONNECTIONS;
        }
        if (CACHE.matcher(destination.url()).matches()) {
            return COMPRESSION.matcher(destination.url()).matches() ? NONE : ZSTD;
        }
        return destination.url().regionMatches(true, 0, "ssh://", 0, "ssh://".length())
                ? SSH_NG
                : NONE;
    }
}
