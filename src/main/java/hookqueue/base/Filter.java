package hookqueue.base;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which paths are taken: those whose name (what follows the hash) has a match of {@code include}
 * and none of {@code exclude}.
 *
 * <p>The expressions are the operator's, but the names are whoever's may build. With some
 * expressions, such as {@code (.*a){30}!}, a name of 200 characters can be chosen so that the
 * search takes longer than the machine lives; it is given up after some milliseconds, and the path
 * is taken, for a path is never lost silently.
 *
 * @param include all paths when null
 * @param exclude none when null
 */
public record Filter(@Nullable Pattern include, @Nullable Pattern exclude)
        implements Predicate<StorePath> {
    /** Takes every path. */
    public static final Filter ALL = new Filter(null, null);

    private static final Logger LOG = LoggerFactory.getLogger(Filter.class);

    /** Characters looked at in one search: twenty times two nested loops over the longest name. */
    private static final int MOST_STEPS = 1_000_000;

    @Override
    public boolean test(StorePath path) {
        return (include == null || found(include, path, true))
                && (exclude == null || !found(exclude, path, false));
    }

    /** Why a path is taken or not, for {@code explain}. */
    public String reason(StorePath path) {
        if (include != null && !found(include, path, true)) {
            return "NPBHQ_INCLUDE does not match its name: " + include;
        }
        if (exclude != null && found(exclude, path, false)) {
            return "NPBHQ_EXCLUDE matches its name: " + exclude;
        }
        return include == null && exclude == null
                ? "no filter is set"
                : "the filters let it through";
    }

    private static boolean found(Pattern filter, StorePath path, boolean whenInDoubt) {
        try {
            return filter.matcher(new Steps(path.name())).find();
        } catch (TooLong | StackOverflowError e) {
            LOG.warn(
                    "a filter takes too long with the name of {}, which is taken all the same: {}",
                    path,
                    filter);
            return whenInDoubt;
        }
    }

    /** Thrown out of a search that takes too long. */
    private static final class TooLong extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooLong() {
            super("too many steps", null, false, false);
        }
    }

    /** A name that counts how often it is looked at: every loop of a search does. */
    private static final class Steps implements CharSequence {
        private final String name;
        private int steps;

        Steps(String name) {
            this.name = name;
        }

        @Override
        public char charAt(int index) {
            if (++steps > MOST_STEPS) {
                throw new TooLong();
            }
            return name.charAt(index);
        }

        @Override
        public int length() {
            return name.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return name.subSequence(start, end);
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
