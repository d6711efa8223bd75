import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Runs scripts with consecutive seeds, two in parallel, until the time is over or a promise is broken. */
final class Torture {
    private final Path dist;
    private final boolean disks;
    private final AtomicLong nextSeed;
    private final AtomicInteger passed = new AtomicInteger();
    private final AtomicInteger broken = new AtomicInteger();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong deliveries = new AtomicLong();
    private final Map<String, Integer> steps = new TreeMap<>();

    private Torture(Path dist, long seed, boolean disks) {
        this.dist = dist;
        this.disks = disks;
        nextSeed = new AtomicLong(seed);
    }

    /** DIST SEED SECONDS SCRIPTS: with 0 seconds it runs SCRIPTS scripts. */
    public static void main(String[] args) throws InterruptedException {
        var torture = new Torture(Path.of(args[0]), Long.parseLong(args[1]),
                System.getProperty("user.name").equals("root"));
        long seconds = Long.parseLong(args[2]);
        int scripts = Integer.parseInt(args[3]);
        torture.run(seconds, scripts);
        System.exit(torture.broken.get() == 0 ? 0 : 1);
    }

    private void run(long seconds, int scripts) throws InterruptedException {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        var left = new AtomicInteger(scripts);
        Runnable scriptAfterScript = () -> {
            while (seconds > 0 ? System.nanoTime() < end && broken.get() == 0 : left.getAndDecrement() > 0) {
                runScript(nextSeed.getAndIncrement());
            }
        };
        var threads = List.of(Thread.ofPlatform().start(scriptAfterScript), Thread.ofPlatform().start(scriptAfterScript));
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.printf("%n%d scripts, %d paths accepted, %d deliveries, %d broken%n", passed.get() + broken.get(),
                accepted.get(), deliveries.get(), broken.get());
        steps.forEach((what, times) -> System.out.printf("%6d  %s%n", times, what));
        System.out.printf("%d passed, %d failed%n", passed.get(), broken.get());
    }

    private void runScript(long seed) {
        Script script = Script.of(seed, disks);
        try (var run = new ScriptRun(dist, script.settings())) {
            for (Script.Drawn drawn : script.steps()) {
                drawn.step().apply(run, drawn.choices());
                count(drawn);
            }
            run.heal();
            FinalCheck.check(run);
            accepted.addAndGet(run.model.accepted().size());
            deliveries.addAndGet(run.nix.deliveries().size());
            if (run.breaches.isEmpty()) {
                passed.incrementAndGet();
                return;
            }
            report(script, run.breaches, run.worker.log());
        } catch (IOException | RuntimeException | AssertionError e) {
            report(script, List.of("could not be run to its end: " + e), "");
            e.printStackTrace(System.out);
        }
        broken.incrementAndGet();
    }

    private synchronized void count(Script.Drawn drawn) {
        String kind = drawn.step() == Step.DESTINATION ? drawn.toString() : drawn.step().toString();
        steps.merge(kind, 1, Integer::sum);
    }

    private synchronized void report(Script script, List<String> breaches, String log) {
        System.out.printf("%nBROKEN by ./dev torture --seed %d%n", script.seed());
        System.out.println("with " + script.settings());
        script.steps().forEach(step -> System.out.println("  " + step));
        breaches.forEach(breach -> System.out.printf("  -> %.600s%n", breach));
        // Only the errors.
        List<String> lines = log.lines().filter(line -> !line.startsWith("INFO ") && !line.startsWith("WARN ")).toList();
        lines.subList(Math.max(0, lines.size() - 60), lines.size()).forEach(line -> System.out.printf("    | %.300s%n", line));
    }
}
