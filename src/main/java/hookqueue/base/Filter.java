package hookqueue.base;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts the paths whose name (the part after the hash) matches {@code include} and does not match
 * {@code exclude}.
 *
 * <p>The operator writes the expressions, but every user who builds chooses names. For some
 * expressions, such as {@code (.*a){30}!}, a user can choose a name of 200 characters for which the
 * search never ends. The worker stops the search after some milliseconds and accepts the path,
 * because no path is lost silently.
 *
 * @param include all paths when null
 * @param exclude none when null
 */
public record Filter(@Nullable Rule include, @Nullable Rule exclude)
        implements Predicate<StorePath> {
    public static final Filter ALL = new Filter(null, null);

    /** One expression, and the variable that has it. */
    public record Rule(String setting, Pattern expression) {}

    private static final Logger LOG = LoggerFactory.getLogger(Filter.class);

    /**
     * The most characters read in one search: twenty times two nested loops over the longest name.
     */
    private static final int MOST_STEPS = 1_000_000;

    @Override
    public boolean test(StorePath path) {
        return refusing(path) == null;
    }

    /** Why a path is accepted or not, for {@code explain}. */
    public String reason(StorePath path) {
        Rule refusing = refusing(path);
        if (refusing == null) {
            return include == null && exclude == null ? "no filter is set" : "the filters match";
        }
        String verb =
                refusing.equals(include) ? " does not match its name: " : " matches its name: ";
        return refusing.setting() + verb + refusing.expression();
    }

    private @Nullable Rule refusing(StorePath path) {
        if (include != null && !found(include.expression(), path, true)) {
            return include;
        }
        if (exclude != null && found(exclude.expression(), path, false)) {
            return exclude;
        }
        return null;
    }

    private static boolean found(Pattern filter, StorePath path, boolean whenInDoubt) {
        try {
            return filter.matcher(new Steps(path.name())).find();
        } catch (TooLong | StackOverflowError e) {
            LOG.warn(
                    "a filter takes too long for the name of {}, so the path is accepted: {}",
                    path,
                    filter);
            return whenInDoubt;
        }
    }

    /** Ends a search that takes too long. */
    private static final class TooLong extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooLong() {
            super("too many steps", null, false, false);
        }
    }

    /** A name that counts how often the search reads a character. */
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
