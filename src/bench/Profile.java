import hookqueue.testkit.Client;
import hookqueue.testkit.Proc;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the time goes while a long queue is drained: how much of it a child process runs, and what the worker itself
 * does on a processor, by JDK Flight Recorder.
 */
final class Profile {
    private Profile() {}

    static void run(Path dist, int count, Path folder) throws IOException {
        folder = Files.createDirectories(folder).toAbsolutePath();
        try (var world = World.kept(dist).set("NPBHQ_UPLOAD_TO", "exec:/bin/true")) {
            // Times each child; two processes more for each batch.
            Path spans = world.dir.resolve("spans");
            Path timed = world.script("timed", timed("/bin/true", spans));
            world.set("NPBHQ_UPLOAD_TO", "exec:" + timed);
            drain("a program that does nothing", world, world.made("profile", count), spans, folder.resolve("exec.jfr"));
        }
        try (var world = World.kept(dist)) {
            Path spans = world.dir.resolve("spans");
            Path timed = world.script("timed", timed("nix", spans));
            world.set("NPBHQ_UPLOAD_TO", "file://" + world.dir.resolve("cache"))
                    .set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key)
                    .set("NPBHQ_NIX", timed);
            drain("sign, and file://", world, world.add("profile", count, 1000), spans, folder.resolve("file.jfr"));
        }
    }

    private static String timed(String program, Path spans) {
        return "#!/bin/sh\nb=$(date +%s%N)\n" + program + " \"$@\"\ns=$?\necho \"$b $(date +%s%N)\" >>" + spans
                + "\nexit $s\n";
    }

    private static void drain(String what, World world, List<String> paths, Path spans, Path recording) throws IOException {
        world.set("NPBHQ_JAVA_OPTIONS", "-Xmx96m -XX:StartFlightRecording:settings=profile");
        double wall;
        double own;
        double children;
        var byThread = new TreeMap<String, Double>();
        try (WorkerProcess queue = WorkerProcess.listen(world)) {
            queue.ask("pause");
            Intake.send(world, paths, 100);
            Files.deleteIfExists(spans);
            double ownBefore = Proc.cpu(queue.pid());
            double childrenBefore = Proc.childrenCpu(queue.pid());
            Map<String, Double> before = Proc.threads(queue.pid());
            try (var client = new Client(world.socket)) {
                long began = System.nanoTime();
                client.ask("resume");
                client.ask("wait");
                wall = (System.nanoTime() - began) / 1e9;
            }
            own = Proc.cpu(queue.pid()) - ownBefore;
            children = Proc.childrenCpu(queue.pid()) - childrenBefore;
            Proc.threads(queue.pid()).forEach((thread, seconds) ->
                    byThread.put(thread, seconds - before.getOrDefault(thread, 0.0)));
            // Not at its end: the worker does not wait for it.
            world.run(System.getProperty("java.home") + "/bin/jcmd", "" + queue.pid(), "JFR.dump",
                    "filename=" + recording);
        }
        List<double[]> runs = spans(spans);
        System.out.printf("%n== %,d paths: %s%n", paths.size(), what);
        System.out.printf("%.2f s, %,.0f paths/s; %d child processes, at least one of them running %.1f %% of the time%n",
                wall, paths.size() / wall, runs.size(), 100 * covered(runs) / 1e9 / wall);
        System.out.printf("processor: %.2f s children, %.2f s worker%n", children, own);
        System.out.println("the worker's threads, seconds:");
        byThread.entrySet().stream()
                .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
                .limit(6)
                .forEach(entry -> System.out.printf("  %8.2f  %s%n", entry.getValue(), entry.getKey()));
        System.out.println(world.run(System.getProperty("java.home") + "/bin/jfr", "view", "hot-methods", recording.toString()));
    }

    private static List<double[]> spans(Path file) throws IOException {
        var spans = new ArrayList<double[]>();
        for (String line : Files.readAllLines(file)) {
            String[] words = line.split(" ");
            spans.add(new double[] {Double.parseDouble(words[0]), Double.parseDouble(words[1])});
        }
        spans.sort((a, b) -> Double.compare(a[0], b[0]));
        return spans;
    }

    /** How long at least one of them lasted; each is begin and end, and they are in the order of their begin. */
    static double covered(List<double[]> spans) {
        double sum = 0;
        double until = 0;
        for (double[] span : spans) {
            sum += Math.max(0, span[1] - Math.max(until, span[0]));
            until = Math.max(until, span[1]);
        }
        return sum;
    }
}
