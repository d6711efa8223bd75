package hookqueue.base;

import java.util.Objects;

/** The version of this program, from the manifest of its jar. */
public final class Version {
    /** For example {@code 0.1.0}; {@code unpackaged} when the classes do not come from a jar. */
    public static final String TEXT =
            Objects.requireNonNullElse(
                    Version.class.getPackage().getImplementationVersion(), "unpackaged");

    private Version() {}
}
