package hookqueue.queue;

import hookqueue.base.StorePath;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which paths are taken: those whose name (what follows the hash) has a match of {@code include}
 * and none of {@code exclude}.
 *
 * @param include all paths when null
 * @param exclude none when null
 */
public record Selection(@Nullable Pattern include, @Nullable Pattern exclude)
        implements Predicate<StorePath> {
    /** Takes every path. */
    public static final Selection ALL = new Selection(null, null);

    @Override
    public boolean test(StorePath path) {
        return (include == null || include.matcher(path.name()).find())
                && (exclude == null || !exclude.matcher(path.name()).find());
    }

    /** Why a path is taken or not, for {@code explain}. */
    public String reason(StorePath path) {
        if (include != null && !include.matcher(path.name()).find()) {
            return "NPBHQ_INCLUDE does not match its name: " + include;
        }
        if (exclude != null && exclude.matcher(path.name()).find()) {
            return "NPBHQ_EXCLUDE matches its name: " + exclude;
        }
        return include == null && exclude == null
                ? "no filter is set"
                : "the filters let it through";
    }
}
