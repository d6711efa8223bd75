package hookqueue.base;

import org.jspecify.annotations.Nullable;

/**
 * A path of the Nix store, without the store directory: {@code <hash>-<name>}.
 *
 * <p>This is the only place where text becomes a store path. The rules are Nix's own ({@code
 * src/libstore/path.cc}): 32 characters of Nix's base 32, a dash, and a name of 1 to 211 characters
 * out of {@code [0-9a-zA-Z+._?=-]} that is not {@code .} or {@code ..} and does not begin with
 * {@code .-} or {@code ..-}.
 *
 * @param baseName the last component, for example {@code
 *     7hx47qyrz4065viqzzhdqi5jixgjys0z-hello-2.12}
 */
public record StorePath(String baseName) {
    /** Characters of the hash at the beginning of a base name. */
    public static final int HASH_LENGTH = 32;

    private static final int NAME = 211;

    /** Nix's base 32: no e, o, t and u. */
    private static final boolean[] BASE_32 = table("0123456789abcdfghijklmnpqrsvwxyz");

    private static final boolean[] IN_NAMES =
            table("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + "+-._?=");

    /** Checks the rules above; the message of the exception names the value and the rule. */
    public StorePath {
        String broken = brokenRule(baseName);
        if (broken != null) {
            throw new IllegalArgumentException(
                    "not a store path (" + broken + "): " + Text.quoted(baseName));
        }
    }

    /**
     * Parses an absolute store path.
     *
     * @param storeDir the store directory without a slash at its end, normally {@code /nix/store}
     * @throws IllegalArgumentException with the rule that is broken and the value, safe to print
     */
    public static StorePath parse(String storeDir, String text) {
        if (text.length() <= storeDir.length() + 1
                || !text.startsWith(storeDir)
                || text.charAt(storeDir.length()) != '/') {
            throw new IllegalArgumentException(
                    "not a store path (outside " + storeDir + "): " + Text.quoted(text));
        }
        return new StorePath(text.substring(storeDir.length() + 1));
    }

    public String in(String storeDir) {
        return storeDir + "/" + baseName;
    }

    /** The part after the hash, which filters match. */
    public String name() {
        return baseName.substring(HASH_LENGTH + 1);
    }

    /** Whether it is a derivation; Nix lets no output have such a name. */
    public boolean isDerivation() {
        return baseName.endsWith(".drv");
    }

    private static @Nullable String brokenRule(String base) {
        if (base.length() < HASH_LENGTH + 2 || base.charAt(HASH_LENGTH) != '-') {
            return "no <hash>-<name>";
        }
        char[] chars = base.toCharArray(); // no call for each character
        for (int i = 0; i < HASH_LENGTH; i++) {
            if (chars[i] >= BASE_32.length || !BASE_32[chars[i]]) {
                return "the hash has a character outside Nix's base 32";
            }
        }
        if (chars.length - HASH_LENGTH - 1 > NAME) {
            return "the name is longer than " + NAME + " characters";
        }
        for (int i = HASH_LENGTH + 1; i < chars.length; i++) {
            if (chars[i] >= IN_NAMES.length || !IN_NAMES[chars[i]]) {
                return "the name has a character outside [0-9a-zA-Z+._?=-]";
            }
        }
        String name = base.substring(HASH_LENGTH + 1);
        if (name.equals(".")
                || name.equals("..")
                || name.startsWith(".-")
                || name.startsWith("..-")) {
            return "the name is or begins with a dot component";
        }
        return null;
    }

    private static boolean[] table(String characters) {
        var table = new boolean[128];
        for (int i = 0; i < characters.length(); i++) {
            table[characters.charAt(i)] = true;
        }
        return table;
    }

    // The JVM cannot archive a record's own hashCode and equals, which cost a start 20 ms each.
    @Override
    public int hashCode() {
        return baseName.hashCode();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof StorePath path && baseName.equals(path.baseName);
    }

    @Override
    public String toString() {
        return baseName;
    }
}
