package hookqueue.base;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/** Store paths by number, and rules of filters, for tests. */
public final class SomePaths {
    private static final String BASE_32 = "0123456789abcdfghijklmnpqrsvwxyz";

    private SomePaths() {}

    /** The path with this number, always the same; its name is {@code p<number>}. */
    public static StorePath path(long number) {
        var hash = new StringBuilder();
        long rest = number;
        for (int i = 0; i < 32; i++) {
            hash.insert(0, BASE_32.charAt((int) (rest % 32)));
            rest /= 32;
        }
        return new StorePath(hash + "-p" + number);
    }

    /** A rule of a filter. */
    public static Filter.Rule rule(String setting, String expression) {
        return new Filter.Rule(setting, Pattern.compile(expression));
    }

    /** The paths with the numbers from {@code from}, before {@code to}. */
    public static List<StorePath> paths(long from, long to) {
        return LongStream.range(from, to).mapToObj(SomePaths::path).toList();
    }
}
