import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import hookqueue.testkit.Client;
import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Json;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
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

    private static final String ANSWERED = "the worker answered: ";

    /** The real Nix, which then does what the fake one lets through; empty for none. */
    static final String REAL_NIX = System.getProperty("nix", "");

    final World world;
    final FakeNix nix;
    final Model model;
    final Destinations destinations;
    final Outages outages = new Outages(this);
    private final Callers callers = new Callers(this);
    private final DestinationFaults destinationFaults = new DestinationFaults(this);
    private final SettingsFaults settingsFaults = new SettingsFaults(this, callers);
    final List<String> breaches = new ArrayList<>();
    private final Disk disk;
    private final Clock clock;
    private final Path sick;
    private WorkerProcess queue;

    private boolean filters;
    private boolean signs;
    private boolean diskIsBad;
    private boolean databaseIsBad;

    /** Whether nothing may be delivered without a signature. */
    boolean signsAlways;

    /** Whether this worker may end with an error: it was killed, or its disk or database was bad at some time. */
    private boolean mayFail;

    /** What lies in the spool that no hook has left. It is somebody's, and stays. */
    final List<String> litter = new ArrayList<>();

    /** Whether the database has forgotten what it had counted. */
    boolean countsAreLost;

    /** Whether paths were queued again that may have been settled, and so count again. */
    boolean repeats;

    Run(Path dist, Script.Settings settings) throws IOException {
        world = newWorld(dist);
        nix = new FakeNix(world, REAL_NIX);
        nix.program("program");
        destinations = new Destinations(world);
        model = new Model(world);
        clock = new Clock(world);
        sick = world.dir.resolve("disk-is-sick");
        world.set("EIO_WHEN", sick)
                .set("EIO_UNDER", world.state + ":" + world.roots)
                .set("LD_PRELOAD", System.getProperty("faults"));
        disk = settings.smallDisk() ? Disk.mount(world.state, 8) : null;
        world.set("NPBHQ_BATCH_SIZE", settings.batchSize())
                .set("NPBHQ_STALL_TIMEOUT", "2s")
                .set("NPBHQ_MAX_ATTEMPTS", settings.mostAttempts())
                .set("NPBHQ_IDLE_TIMEOUT", IDLE_MILLISECONDS + "ms")
                .set("NPBHQ_HOOK_TIMEOUT", LIMIT);
        signs = settings.signs();
        signsAlways = signs;
        if (signs) {
            world.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        }
        listen();
    }

    private static synchronized World newWorld(Path dist) throws IOException {
        return World.kept(dist);
    }

    /** Somebody listens, as with systemd's socket: the worker that lives, or the next one. */
    WorkerProcess listen() throws IOException {
        if (queue == null || !queue.alive()) {
            ended();
            queue = WorkerProcess.listen(world);
            mayFail = Files.exists(sick) || diskIsBad || databaseIsBad;
        }
        return queue;
    }

    /** A worker that nobody has killed, and that has nothing to complain of, ends with 0. */
    private void ended() {
        if (queue != null) {
            int status = queue.exit(Duration.ofSeconds(1));
            if (status != 0 && !mayFail) {
                breach("the worker ended by itself with " + status);
            }
        }
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
                    World.pause(s.afterMilliseconds());
                    kill();
                });
                callers.hooks(2, 2, new Random(s.afterMilliseconds()));
                join(killer);
            }
            case Step.Terminate s -> terminate();
            case Step.TerminateWhileSending s -> terminateWhileSending();
            case Step.Stopped s -> {
                signal("STOP");
                var waker = Thread.ofPlatform().start(() -> {
                    World.pause(s.milliseconds());
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
            case Step.SickForAMoment s -> {
                sick(false);
                listen();
                callers.line(new Step.Line(3, s.seed()));
                sick(true);
                callers.line(new Step.Line(3, s.seed() + 1)); // what it has in memory is thrown away
                ask("failed");
                ask("list");
                sick(false);
            }
            case Step.ClockSetBack s -> {
                clock.set(600);
                callers.meetsOutage(s.lane());
                clock.set(0);
            }
            case Step.Filter s -> filter(s.on());
            case Step.Vanish s -> model.vanish(new Random(s.seed()));
            case Step.Collect s -> collect();
            case Step.Without s -> without(s.lane());
            case Step.SpoolLitter s -> unlessTheDiskRefuses(() -> litter(s.kind()));
            case Step.Signing s -> sign(s.on());
            case Step.DamageDatabase s -> {
                kill();
                countsAreLost = true;
                databaseIsBad = true;
                model.databaseIsLost(Files.exists(world.roots) ? rooted() : Set.of());
                unlessTheDiskRefuses(() -> Damage.toDatabase(world.state, s.kind(), new Random(s.seed())));
            }
            case Step.Disk s -> {
                mayFail = true;
                diskIsBad = true;
                if (s.full()) {
                    disk.fill();
                } else {
                    kill(); // its end would leave things to be written
                    disk.makeReadOnly();
                }
            }
            case Step.Ask s -> ask(s.line());
            case Step.Rest s -> World.pause(s.milliseconds());
            case Step.Lose s -> destinationFaults.lose(s);
            case Step.LoseInFlight s -> destinationFaults.loseInFlight(s.lane());
            case Step.Derivations s -> destinationFaults.derivations();
            case Step.Crawl s -> destinationFaults.crawl(s.lane());
            case Step.Stuck s -> destinationFaults.stuck(s.lane());
            case Step.Mistyped s -> settingsFaults.mistyped(s.lane(), new Random(s.seed()));
            case Step.Renamed s -> settingsFaults.renamed(s.lane());
            case Step.Retired s -> settingsFaults.retired();
            case Step.Waiters s -> callers.waiters(new Random(s.seed()));
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
            diskIsBad = false;
        }
        outages.end();
        without("");
        filter(false);
        clock.set(0);
        sick(false);
        unrooted(false);
        listen();
        signal("CONT");
        // One that could not begin tells everybody why for half a minute, before the next one is started.
        long end = System.nanoTime() + 60_000_000_000L;
        while (!ask("resume")) {
            if (System.nanoTime() > end) {
                breach("does not resume, with nothing wrong");
                return;
            }
            World.pause(50);
            listen();
        }
    }

    /** So many minutes have gone by since all faults ended, by the clock. */
    void later(int minutes) throws IOException {
        clock.set(minutes);
    }

    /** The worker ends, for whatever reason. */
    void awaitEnd() {
        if (queue.alive()) {
            queue.exit(Duration.ofSeconds(30));
        }
    }

    /** Whether the worker ends within so many milliseconds, when nobody asks it anything. */
    boolean endsByItself(long milliseconds) {
        long end = System.nanoTime() + milliseconds * 1_000_000;
        while (queue.alive() && System.nanoTime() < end) {
            World.pause(20);
        }
        return !queue.alive();
    }

    /** A worker that starts removes what hooks have not finished, but only after an hour. */
    void workTwoHoursLater() throws IOException {
        clock.set(120);
        listen();
        ask("version");
        awaitEnd();
    }

    WorkerProcess queue() {
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
        return destinations.of(destination);
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

    /** Queues paths that then must arrive; false if nobody has promised that. */
    boolean enqueue(List<String> paths) {
        boolean accepted = ask("queue " + String.join(" ", paths));
        if (accepted) {
            model.accept(paths);
        }
        return accepted;
    }

    boolean enqueue(String path) {
        return enqueue(List.of(path));
    }

    /** The last line of the answer, whether ok or an error; what went wrong when there is none. */
    String answer(String line) throws IOException {
        listen();
        try (var client = new Client(world.socket)) {
            return client.ask(line).getLast();
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            return message.startsWith(ANSWERED) ? message.substring(ANSWERED.length()) : message;
        }
    }

    /** Whether the worker has a path in its list, delivered or failed nowhere or not everywhere. */
    boolean isListed(String path) throws IOException {
        return lines("list").stream().anyMatch(line -> line.contains(path));
    }

    /**
     * All destinations work, and within 3 s everything else is done; false when it is not, or when the worker's disk or
     * database may be to blame for what comes.
     */
    boolean isCalm() throws IOException {
        if (Files.exists(sick) || diskIsBad || databaseIsBad || !Files.exists(world.roots)) {
            return false;
        }
        outages.end();
        listen();
        ask("resume");
        ask("retry");
        String settled = answer("wait timeout=3s");
        return settled.startsWith("ok") || settled.startsWith("error failed") || settled.startsWith("error paths have no");
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
        model.sick(disk);
        if (disk) {
            mayFail = true;
            Files.writeString(sick, "");
        } else {
            Files.deleteIfExists(sick);
        }
    }

    private void fill() {
        if (disk != null) {
            try {
                mayFail = true;
                diskIsBad = true;
                disk.fill();
            } catch (IOException e) {
                breach("the disk cannot be filled: " + e);
            }
        }
    }

    private void collect() throws IOException {
        if (!Files.exists(world.roots)) {
            return; // all would go
        }
        Set<String> rooted = rooted();
        // Later than the roots: one goes after its path's last delivery.
        model.collect(rooted, nix)
                .forEach(path -> breach("not settled, and yet garbage: " + path));
    }

    private Set<String> rooted() throws IOException {
        try (var roots = Files.list(world.roots)) {
            return roots.map(root -> root.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    private void sign(boolean on) throws IOException {
        if (on == signs) {
            return;
        }
        terminate();
        signs = on;
        signsAlways = false;
        if (on) {
            world.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", world.key);
        } else {
            world.unset("NPBHQ_SIGNING_PRIVATE_KEY_PATH");
        }
    }

    void without(String lane) throws IOException {
        if (lane.equals(destinations.without())) {
            return;
        }
        terminate();
        destinations.without(lane);
        model.away(!lane.isEmpty(), countsAreLost);
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
        if (kind != 1 && kind != 5) { // unfinished, and empty
            litter.add(name);
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
        mayFail = true;
        ProcessHandle.of(queue.pid()).ifPresent(ProcessHandle::destroyForcibly);
        queue.exit(Duration.ofSeconds(20));
        try {
            Leftover.kill(world.dir);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    void terminate() {
        if (!queue.alive()) {
            return;
        }
        signal("CONT");
        signal("TERM");
        int status = queue.exit(Duration.ofSeconds(60));
        // 143: before its first connection it is systemd-socket-activate.
        if (status != 0 && status != 143 && !mayFail) {
            breach("SIGTERM ended the worker with " + status);
        }
        if (status == 0 && !mayFail) {
            noChildIsLeft();
        }
        mayFail = true; // that was looked at
    }

    /** A fresh worker, because the check of its child processes needs one that had no trouble. */
    private void terminateWhileSending() throws IOException {
        without("");
        if (!isCalm()) {
            return;
        }
        terminate();
        listen();
        String lane = Destinations.PARALLEL;
        outages.turn(lane, FakeNix.Mode.CRAWL);
        var paths = new ArrayList<String>();
        for (int i = 0; i < 20; i++) {
            paths.add(model.plainPath());
        }
        if (enqueue(paths)) {
            long end = System.nanoTime() + 3_000_000_000L;
            while (queue.alive() && children(lane) < 2 && System.nanoTime() < end) {
                World.pause(20);
            }
            terminate();
        }
        outages.turn(lane, FakeNix.Mode.UP);
    }

    /** How many child processes a lane has, as the worker reports. */
    private int children(String destination) throws IOException {
        JsonObject status = Json.object(lines("status json").getFirst());
        for (JsonElement lane : status.getAsJsonArray("lanes")) {
            JsonObject object = lane.getAsJsonObject();
            if (lane(object.get("name").getAsString()).equals(destination) && object.has("running")) {
                return object.getAsJsonObject("running").getAsJsonArray("children").size();
            }
        }
        return 0;
    }

    /** A process that was killed just now may take a moment to end. */
    private void noChildIsLeft() {
        try {
            List<String> children = Leftover.of(world.dir);
            for (int i = 0; i < 10 && !children.isEmpty(); i++) {
                World.pause(20);
                children = Leftover.of(world.dir);
            }
            if (!children.isEmpty()) {
                breach("child processes go on after SIGTERM: " + children);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
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
