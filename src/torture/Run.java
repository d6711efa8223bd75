import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/** Does the steps of one script to a real worker with a real hook, and keeps the model beside it. */
final class Run implements AutoCloseable {
    static final String LIMIT = "3s";
    static final long LIMIT_MILLISECONDS = 3_000;

    static final long IDLE_MILLISECONDS = 1_000;

    final World world;
    final FakeNix nix;
    final Model model;
    final Outages outages = new Outages(this);
    private final Callers callers = new Callers(this);
    final List<String> breaches = new ArrayList<>();
    private final Disk disk;
    private final Clock clock;
    private final Path sick;
    private Queue queue;

    /** The destination that is not in the settings now; empty for none. */
    private String without = "";

    private boolean filters;

    /** Whether the database has forgotten what it had counted. */
    boolean countsAreLost;

    /** Whether there may be roots of paths that no hook has lived, or had the time, to hand over: the worker finds them at its end. */
    boolean strays;

    /** Whether paths were queued again that may have been settled, and so count again. */
    boolean repeats;

    Run(Path dist, Script.Settings settings) throws IOException {
        world = newWorld(dist);
        nix = new FakeNix(world);
        model = new Model(world);
        clock = new Clock(world);
        sick = world.dir.resolve("disk-is-sick");
        world.set("EIO_WHEN", sick)
                .set("EIO_UNDER", world.state)
                .set("LD_PRELOAD", System.getProperty("faults"));
        disk = settings.smallDisk() ? Disk.mount(world.state, 8) : null;
        world.set("NPBHQ_BATCH_SIZE", settings.batchSize())
                .set("NPBHQ_STALL_TIMEOUT", "2s")
                .set("NPBHQ_MAX_ATTEMPTS", 1)
                .set("NPBHQ_IDLE_TIMEOUT", IDLE_MILLISECONDS + "ms")
                .set("NPBHQ_HOOK_TIMEOUT", LIMIT);
        if (settings.signs()) {
            world.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        }
        listen();
    }

    private static synchronized World newWorld(Path dist) throws IOException {
        return new World(dist);
    }

    /** Somebody listens, as with systemd's socket: the worker that lives, or the next one. */
    Queue listen() throws IOException {
        if (queue == null || !queue.alive()) {
            queue = Queue.listen(world);
        }
        return queue;
    }

    void step(Step step) throws IOException {
        switch (step) {
            case Step.Hooks s -> callers.hooks(s.atOnce(), s.paths(), new Random(s.seed()));
            case Step.Line s -> callers.line(s);
            case Step.Clients s -> callers.clients(s);
            case Step.HooksKilled s -> callers.killed(s);
            case Step.Await s -> callers.await(s);
            case Step.NewDestination s -> callers.newDestination();
            case Step.Alone s -> callers.alone(s.lane());
            case Step.Repeat s -> callers.repeat(s);
            case Step.Drop s -> callers.drop(s);
            case Step.Unrooted s -> {
                unrooted(s.gone());
                if (s.gone()) {
                    callers.refused();
                }
            }
            case Step.Destination s -> outages.turn(s.lane(), s.mode());
            case Step.Kill s -> {
                var killer = Thread.ofPlatform().start(() -> {
                    Queue.pause(s.afterMilliseconds());
                    kill();
                });
                callers.hooks(2, 2, new Random(s.afterMilliseconds()));
                join(killer);
            }
            case Step.Terminate s -> terminate();
            case Step.Stopped s -> {
                signal("STOP");
                var waker = Thread.ofPlatform().start(() -> {
                    Queue.pause(s.milliseconds());
                    if (s.seed() % 2 == 0) {
                        fill();
                    }
                    signal("CONT");
                });
                callers.hooks(s.hooks(), 1, new Random(s.seed()));
                join(waker);
            }
            case Step.Listen s -> listen();
            case Step.Clock s -> clock.set(s.minutes());
            case Step.Sick s -> sick(s.disk());
            case Step.Filter s -> filter(s.on());
            case Step.Vanish s -> model.vanish(new Random(s.seed()));
            case Step.Collect s -> collect();
            case Step.Without s -> without(s.lane());
            case Step.SpoolLitter s -> unlessTheDiskRefuses(() -> litter(s.kind()));
            case Step.DamageDatabase s -> {
                kill();
                countsAreLost = true;
                model.databaseIsLost();
                unlessTheDiskRefuses(() -> Damage.toDatabase(world.state, s.kind(), new Random(s.seed())));
            }
            case Step.Disk s -> disk.spoil(s.full());
            case Step.Ask s -> ask(s.line());
            case Step.Rest s -> Queue.pause(s.milliseconds());
            case Step.BatchSize s -> {
                terminate();
                world.set("NPBHQ_BATCH_SIZE", s.paths());
            }
        }
    }

    /** All faults end; a worker listens. */
    void heal() throws IOException {
        if (disk != null) {
            disk.heal();
        }
        outages.end();
        without("");
        filter(false);
        clock.set(0);
        sick(false);
        unrooted(false);
        listen();
        signal("CONT");
        ask("resume");
    }

    /** The worker ends, for whatever reason. */
    void awaitEnd() {
        if (queue.alive()) {
            queue.exit(30);
        }
    }

    /** A worker that starts removes what hooks have not finished, but only after an hour. */
    void workTwoHoursLater() throws IOException {
        clock.set(120);
        listen();
        ask("version");
        awaitEnd();
    }

    Queue queue() {
        return queue;
    }

    /** The answer of the worker, or of the next one where the last has just ended. */
    List<String> lines(String line) throws IOException {
        listen();
        try {
            return queue.lines(line);
        } catch (IOException e) {
            awaitEnd();
            listen();
            return queue.lines(line);
        }
    }

    /** The short name of a lane. */
    String lane(String destination) {
        return FakeNix.LANES.stream()
                .filter(lane -> nix.destination(lane).equals(destination))
                .findFirst()
                .orElse(destination);
    }

    /** Whether the answer was ok; an error and a cut connection are neither. */
    boolean ask(String line) {
        try {
            queue.ask(line);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void unrooted(boolean gone) throws IOException {
        Path away = world.roots.resolveSibling("roots-are-away");
        if (gone != Files.exists(away)) {
            model.rootless(gone);
            Files.move(gone ? world.roots : away, gone ? away : world.roots);
        }
    }

    /** By faults.c. */
    private void sick(boolean disk) throws IOException {
        if (disk) {
            Files.writeString(sick, "");
        } else {
            Files.deleteIfExists(sick);
        }
    }

    private void fill() {
        if (disk != null) {
            try {
                disk.spoil(true);
            } catch (IOException e) {
                breach("the disk cannot be filled: " + e);
            }
        }
    }

    private void collect() throws IOException {
        if (!Files.exists(world.roots)) {
            return; // all would go
        }
        Set<String> rooted;
        try (var roots = Files.list(world.roots)) {
            rooted = roots.map(root -> root.getFileName().toString()).collect(Collectors.toSet());
        }
        // Later than the roots: one goes after its path's last delivery.
        model.collect(rooted, nix.delivered().keySet())
                .forEach(path -> breach("not settled, and yet garbage: " + path));
    }

    void without(String lane) throws IOException {
        if (lane.equals(without)) {
            return;
        }
        terminate();
        without = lane;
        model.away(!lane.isEmpty(), countsAreLost);
        world.set("NPBHQ_UPLOAD_TO", nix.destinations(lane));
    }

    private void filter(boolean on) throws IOException {
        if (on == filters) {
            return;
        }
        terminate();
        filters = on;
        if (on) {
            model.filtered();
            world.set("NPBHQ_EXCLUDE", Model.EXCLUDED);
        } else {
            world.unset("NPBHQ_EXCLUDE");
        }
    }

    private void litter(int kind) throws IOException {
        Path spool = Files.createDirectories(world.state.resolve("spool"));
        String name = "litter-" + kind + "-" + System.nanoTime() + ".paths";
        switch (kind) {
            case 0 -> Files.writeString(spool.resolve(name), "not a path\n\u001b[31m../../etc/passwd\n");
            case 1 -> Files.writeString(spool.resolve(".tmp-" + System.nanoTime()), world.store + "/0000");
            case 2 -> Files.createSymbolicLink(spool.resolve(name), Path.of("/etc/passwd"));
            case 3 -> Files.createDirectory(spool.resolve(name));
            case 4 -> Files.write(spool.resolve(name), new byte[3_000_000]);
            default -> Files.writeString(spool.resolve(name), "", StandardOpenOption.CREATE_NEW);
        }
    }

    private interface Damaging {
        void run() throws IOException;
    }

    private void unlessTheDiskRefuses(Damaging damaging) throws IOException {
        try {
            damaging.run();
        } catch (IOException e) {
            if (disk == null) {
                throw e;
            }
        }
    }

    /** SIGKILL, as from a kernel that is out of memory; its children end, as systemd sees to. */
    private void kill() {
        ProcessHandle.of(queue.pid()).ifPresent(ProcessHandle::destroyForcibly);
        queue.exit(20);
        try {
            Leftover.kill(world.dir);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void terminate() {
        if (!queue.alive()) {
            return;
        }
        signal("CONT");
        signal("TERM");
        int status = queue.exit(60);
        // 143: before its first connection it is systemd-socket-activate.
        if (status != 0 && status != 143 && disk == null && !Files.exists(sick)) {
            breach("SIGTERM ended the worker with " + status);
        }
    }

    private void signal(String name) {
        if (queue.alive()) {
            try {
                new ProcessBuilder("kill", "-" + name, String.valueOf(queue.pid()))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    synchronized void breach(String what) {
        breaches.add(what);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nothing of it goes on. */
    @Override
    public void close() throws IOException {
        if (queue.alive()) {
            signal("CONT");
            queue.kill();
        }
        Leftover.kill(world.dir);
        if (disk != null) {
            disk.close();
        }
        World.delete(world.dir);
    }
}
