package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import java.util.List;
import java.util.stream.IntStream;

/** Store paths and entries by number. */
final class Paths {
    private static final String BASE_32 = "0123456789abcdfghijklmnpqrsvwxyz";

    private Paths() {}

    static StorePath path(long number) {
        var hash = new StringBuilder();
        long rest = number;
        for (int i = 0; i < 32; i++) {
            hash.insert(0, BASE_32.charAt((int) (rest % 32)));
            rest /= 32;
        }
        return new StorePath(hash + "-p" + number);
    }

    static Entry fresh(long number) {
        return new Entry(number, path(number), 0, 0, false, 0);
    }

    static List<Entry> fresh(int from, int to) {
        return IntStream.range(from, to).mapToObj(Paths::fresh).toList();
    }
}
