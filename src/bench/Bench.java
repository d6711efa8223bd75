import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs the measurements, in the order of the table, and writes their file. */
final class Bench {
    private Bench() {}

    private interface Measuring {
        List<Result> run(Plan plan) throws IOException;
    }

    private interface MeasuringOne {
        Result run(Plan plan) throws IOException;
    }

    private static final Map<String, Measuring> ALL = new LinkedHashMap<>();

    static {
        one("drain-file", Drain::file);
        one("drain-ssh", Drain::ssh);
        one("hook-warm", Hooks::warm);
        one("hook-warmed", Hooks::warmed);
        one("hook-script", Hooks::script);
        one("hook-commit", Hooks::commit);
        one("hook-shell", Floors::shell);
        one("hook-datagram", Floors::datagram);
        one("hook-backlog", Hooks::backlog);
        one("hook-busy", Floors::busy);
        one("hook-builds", Floors::builds);
        one("hook-builds-empty", Floors::emptyHook);
        one("early", Early::acknowledgements);
        one("cold", Cold::start);
        ALL.put("intake", Intake::rates);
        one("memory-idle", Cold::idleMemory);
        one("memory-slots", Slots::memory);
        ALL.put("growth", Growth::measure);
        one("left-behind", Cold::leftBehind);
        one("drain-far", Drain::far);
        one("single-far", Drain::single);
        one("far-http", Link::http);
        ALL.put("behind", Link::behind);
        ALL.put("bytes", Link::bytes);
        one("hook-parallel", Hooks::parallel);
        one("arrivals", Arrivals::measure);
    }

    private static void one(String name, MeasuringOne measuring) {
        ALL.put(name, plan -> List.of(measuring.run(plan)));
    }

    /**
     * @param wanted the measurements to run, all if empty; the file keeps the rows of the others
     */
    static void run(Path dist, boolean quick, List<String> wanted, Path file, String commit) throws IOException {
        for (String name : wanted) {
            if (!ALL.containsKey(name)) {
                throw new IllegalArgumentException("no measurement has the name " + name + "; there are: " + ALL.keySet());
            }
        }
        var plan = new Plan(dist, quick);
        JsonObject machine;
        try (var world = World.kept(dist)) {
            machine = Json.GSON.toJsonTree(Machine.facts(world)).getAsJsonObject();
        }
        var figures = new Figures(machine, quick,
                wanted.isEmpty() || !Files.exists(file) ? List.of() : Figures.read(file).rows());
        for (var entry : ALL.entrySet()) {
            if (!wanted.isEmpty() && !wanted.contains(entry.getKey())) {
                continue;
            }
            double load = Machine.load();
            long began = System.nanoTime();
            for (Result result : entry.getValue().run(plan)) {
                JsonObject row = result.json();
                row.addProperty("commit", commit);
                row.addProperty("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
                row.addProperty("load_before", load);
                row.addProperty("seconds", (System.nanoTime() - began) / 1e9);
                figures = figures.with(row);
                System.out.printf("%-13s %s %s%n", result.id(), result.valueText(), result.verdict());
            }
            // After each measurement, so that an interrupted run keeps its results.
            figures.write(file);
        }
    }
}
