package hookqueue.base;

import org.jspecify.annotations.Nullable;

/** The version of this program, from the manifest of its jar. */
public final class Version {
    /** For example {@code 0.1.0}; {@code unpackaged} when the classes do not come from a jar. */
    public static final String TEXT = text(Version.class.getPackage().getImplementationVersion());

    private Version() {}

    private static String text(@Nullable String fromManifest) {
        return fromManifest == null ? "unpackaged" : fromManifest;
    }
}
