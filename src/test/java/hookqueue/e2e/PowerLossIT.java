package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Filters;
import hookqueue.base.SomePaths;
import hookqueue.base.StorePath;
import hookqueue.queue.Queue;
import hookqueue.spool.Spool;
import hookqueue.spool.SpoolIntake;
import hookqueue.testkit.Tools;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Power fails below the page cache. The test records the system calls of a hook and of two workers.
 * For each moment it rebuilds the possible disks: with only the synced data, with all data, and
 * with parts of the unsynced data. Paths that were acknowledged at that moment must be on each.
 */
@Timeout(180)
class PowerLossIT {
    private static final String DESTINATION = "exec:" + Tools.find("true");

    /** The folder for the rebuilt disks: a tmpfs, because syncing them proves nothing. */
    private static final Path MEMORY =
            Path.of(Files.isWritable(Path.of("/dev/shm")) ? "/dev/shm" : "/tmp");

    private record Promise(int since, List<StorePath> paths) {}

    @Test
    void acknowledgedPathsAreOnDiskWheneverThePowerFails() throws Exception {
        long seed = Long.getLong("hookqueue.seed", System.nanoTime());
        try (var scratch = new World()) {
            Path metrics = Files.createDirectory(scratch.dir.resolve("metrics")).resolve("q.prom");
            scratch.set("NPBHQ_UPLOAD_TO", DESTINATION);
            scratch.set("NPBHQ_METRICS_FILE", metrics);
            var disk =
                    new DiskLog(
                            scratch.dir,
                            List.of(scratch.state, scratch.roots, metrics.getParent()));
            var promises = new ArrayList<Promise>();
            List<StorePath> spooled = SomePaths.paths(0, 2);
            record(
                    scratch,
                    "hook",
                    log -> {
                        World.Result hook = recordedHook(scratch, log, spooled);
                        assertTrue(hook.errors().contains("left in the spool"), hook.errors());
                    },
                    disk);
            promises.add(new Promise(disk.now(), spooled));
            List<StorePath> handedOver = SomePaths.paths(10, 20);
            record(scratch, "first", log -> work(scratch, log, handedOver.subList(0, 6)), disk);
            record(scratch, "second", log -> work(scratch, log, handedOver.subList(6, 10)), disk);
            int count = check(scratch, disk, promises, handedOver, new Random(seed));
            System.out.println("power failed " + count + " times");
            assertTrue(count > 600, () -> "only " + count + " moments");
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + " (-Dhookqueue.seed): " + e.getMessage(), e);
        }
    }

    private interface Life {
        void live(Path log) throws Exception;
    }

    private static void record(World scratch, String name, Life life, DiskLog disk)
            throws Exception {
        Path log = scratch.dir.resolve("calls-" + name);
        life.live(log);
        World.eventually(Duration.ofSeconds(20), "strace has ended", () -> ended(log));
        disk.read(log);
    }

    /** The last line of the log is the exit status of its first process. */
    private static boolean ended(Path log) {
        List<String> lines = World.text(log).lines().toList();
        return !lines.isEmpty() && lines.getLast().contains("+++");
    }

    private static World.Result recordedHook(World scratch, Path log, List<StorePath> paths)
            throws IOException {
        var command = new ArrayList<>(DiskLog.STRACE);
        command.addAll(List.of(log.toString(), scratch.program.hook().toString()));
        String all =
                String.join(" ", paths.stream().map(p -> p.in(scratch.store.toString())).toList());
        return scratch.attempt(Map.of("OUT_PATHS", all), command.toArray(String[]::new));
    }

    /** Queues paths, one request after the other; then the worker exits. */
    private static void work(World scratch, Path log, List<StorePath> paths) throws Exception {
        var wrapper = new ArrayList<>(DiskLog.STRACE);
        wrapper.add(log.toString());
        try (WorkerProcess worker = WorkerProcess.listen(scratch, wrapper)) {
            for (StorePath path : paths) {
                Files.createFile(Path.of(path.in(scratch.store.toString())));
                World.Result reply = scratch.client(path.in(scratch.store.toString()));
                assertEquals("queued 1", reply.output().strip(), worker::log);
            }
            scratch.client(
                    "wait", "timeout=60s"); // the two spooled paths are not in the store and fail
            assertEquals(0, worker.terminate(), worker::log);
        }
    }

    private static int check(
            World scratch,
            DiskLog disk,
            List<Promise> spooled,
            List<StorePath> handedOver,
            Random random)
            throws Exception {
        int count = 0;
        for (int moment : disk.moments()) {
            var promised = new ArrayList<StorePath>();
            spooled.stream()
                    .filter(p -> p.since() <= moment)
                    .forEach(p -> promised.addAll(p.paths()));
            long acknowledged =
                    disk.repliesUntil(moment).stream().filter("ok queued 1"::equals).count();
            promised.addAll(handedOver.subList(0, (int) acknowledged));
            for (DiskLog.Fate fate : DiskLog.Fate.values()) {
                Path after = Files.createTempDirectory(MEMORY, "hookqueue-power-");
                try {
                    disk.replay(moment, fate, random, after);
                    look(scratch, after, promised, "moment " + moment + ", unsynced " + fate);
                } finally {
                    delete(after);
                }
                count++;
            }
        }
        assertEquals(
                handedOver.size(),
                disk.repliesUntil(disk.now()).stream().filter("ok queued 1"::equals).count(),
                "every reply was seen");
        return count;
    }

    private static void look(World scratch, Path after, List<StorePath> promised, String when)
            throws Exception {
        Path state = after.resolve(scratch.dir.relativize(scratch.state));
        Path roots = after.resolve(scratch.dir.relativize(scratch.roots));
        Path metrics = after.resolve("metrics/q.prom");
        if (Files.exists(metrics)) {
            String text = Files.readString(metrics);
            assertTrue(
                    text.startsWith("# HELP") && text.contains("_problems "),
                    () -> when + ": metrics: " + text);
        }
        List<String> rooted = World.names(roots);
        var unneeded = new ArrayList<String>();
        var fatal = new CopyOnWriteArrayList<Throwable>();
        var settings =
                new Queue.Settings(
                        state,
                        roots,
                        scratch.store.toString(),
                        List.of(DESTINATION),
                        Map.of(),
                        Filters.ALL);
        try (Queue queue = Queue.open(settings, InstantSource.system(), fatal::add, step -> {})) {
            var spool = Spool.open(state, scratch.store.toString());
            new SpoolIntake(spool, queue, Filters.ALL, InstantSource.system()).begin();
            assertEquals(List.of(), queue.damaged(), () -> when + ": damage");
            for (StorePath path : promised) {
                boolean queued = !queue.call(t -> t.reports().standing(path)).isEmpty();
                boolean settled = queue.call(t -> t.reports().settledAt(path)).isPresent();
                assertTrue(queued || settled, () -> when + ": lost " + path);
                assertTrue(
                        settled || rooted.contains(path.baseName()),
                        () -> when + ": no root " + path);
                if (!queued) {
                    unneeded.add(path.baseName());
                }
            }
        }
        assertEquals(List.of(), fatal, when);
        unneeded.retainAll(World.names(roots));
        assertEquals(List.of(), unneeded, () -> when + ": settled, and yet rooted");
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
