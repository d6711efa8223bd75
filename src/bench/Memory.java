import hookqueue.testkit.Proc;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Samples of a worker's memory. */
record Memory(List<Double> resident, List<Double> proportional, List<Double> threads) {
    Memory() {
        this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }

    /** Takes a sample. Returns the resident memory. */
    double sample(long pid) throws IOException {
        double now = megabytes(pid, "VmRSS");
        resident.add(now);
        proportional.add(Proc.proportional(pid) / 1024.0);
        threads.add((double) Proc.status(pid, "Threads"));
        return now;
    }

    /** A line of /proc/PID/status in MB. */
    static double megabytes(long pid, String name) throws IOException {
        return Proc.status(pid, name) / 1024.0;
    }

    /** A row with these values of the resident memory. */
    Result row(String id, String what, double most, List<Double> values) {
        return Result.plain(id, what, "MB", Result.Goal.atMost(most), values)
                .with(Map.of("proportional_mb", proportional, "threads", threads));
    }
}
