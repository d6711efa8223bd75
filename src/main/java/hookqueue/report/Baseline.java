package hookqueue.report;

import hookqueue.queue.LaneCounts;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The counters of all lanes when a watcher began. As one word it is the time and then two numbers a
 * lane, in the order of the lanes: {@code 1772373900000,delivered,bytes,delivered,bytes}.
 */
final class Baseline {
    private final long atMillis;
    private final String word;
    private final Map<String, long[]> lanes = new HashMap<>();

    private Baseline(long atMillis, String word) {
        this.atMillis = atMillis;
        this.word = word;
    }

    static Baseline of(Overview o) {
        var word = new StringBuilder().append(o.at().toEpochMilli());
        for (LaneCounts lane : o.lanes()) {
            word.append(',').append(lane.delivered()).append(',').append(lane.bytes());
        }
        var baseline = new Baseline(o.at().toEpochMilli(), word.toString());
        o.lanes().forEach(baseline::add);
        return baseline;
    }

    /** Null for a word that does not fit the lanes: the settings may have changed. */
    static @Nullable Baseline parse(String word, Overview now) {
        String[] numbers = word.split(",", -1);
        if (!word.matches("[0-9]{1,18}(,[0-9]{1,18})*")
                || numbers.length != 1 + 2 * now.lanes().size()) {
            return null;
        }
        var baseline = new Baseline(Long.parseLong(numbers[0]), word);
        int at = 1;
        for (LaneCounts lane : now.lanes()) {
            long delivered = Long.parseLong(numbers[at++]);
            long bytes = Long.parseLong(numbers[at++]);
            if (delivered > lane.delivered() || bytes > lane.bytes()) {
                return null; // the database has begun anew
            }
            baseline.lanes.put(lane.name(), new long[] {delivered, bytes});
        }
        return baseline;
    }

    long atMillis() {
        return atMillis;
    }

    String word() {
        return word;
    }

    /** A lane that came later counts from then on. */
    private long[] add(LaneCounts lane) {
        return lanes.computeIfAbsent(
                lane.name(), name -> new long[] {lane.delivered(), lane.bytes()});
    }

    long delivered(LaneCounts lane) {
        return add(lane)[0];
    }

    long bytes(LaneCounts lane) {
        return add(lane)[1];
    }
}
