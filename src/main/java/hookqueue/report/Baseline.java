package hookqueue.report;

import hookqueue.queue.LaneCounts;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The counters of all lanes when a watcher began. As one word it is the time and then two numbers a
 * lane, in the order of the lanes: {@code 1772373900000,delivered,bytes,delivered,bytes}.
 */
record Baseline(long atMillis, String word, Map<String, Counters> lanes) {
    record Counters(long delivered, long bytes) {}

    static Baseline of(Overview o) {
        var word = new StringBuilder().append(o.at().toEpochMilli());
        for (LaneCounts lane : o.lanes()) {
            word.append(',').append(lane.delivered()).append(',').append(lane.bytes());
        }
        var baseline = new Baseline(o.at().toEpochMilli(), word.toString(), new HashMap<>());
        o.lanes().forEach(baseline::lane);
        return baseline;
    }

    /** Null for a word that does not fit the lanes: the settings may have changed. */
    static @Nullable Baseline parse(String word, Overview now) {
        String[] numbers = word.split(",", -1);
        if (!word.matches("[0-9]{1,18}(,[0-9]{1,18})*")
                || numbers.length != 1 + 2 * now.lanes().size()) {
            return null;
        }
        var lanes = new HashMap<String, Counters>();
        int at = 1;
        for (LaneCounts lane : now.lanes()) {
            var then = new Counters(Long.parseLong(numbers[at++]), Long.parseLong(numbers[at++]));
            if (then.delivered() > lane.delivered() || then.bytes() > lane.bytes()) {
                return null; // the database has begun anew
            }
            lanes.put(lane.name(), then);
        }
        return new Baseline(Long.parseLong(numbers[0]), word, lanes);
    }

    /** A lane that came later counts from then on. */
    private Counters lane(LaneCounts lane) {
        return lanes.computeIfAbsent(
                lane.name(), name -> new Counters(lane.delivered(), lane.bytes()));
    }

    long deliveredSince(LaneCounts lane) {
        return lane.delivered() - lane(lane).delivered();
    }

    long bytesSince(LaneCounts lane) {
        return lane.bytes() - lane(lane).bytes();
    }
}
