import hookqueue.testkit.Wait;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Faults of the machine: its disk and clock, and files that others delete, damage or leave behind. */
final class HostFaults {
    private final ScriptRun run;
    private final World world;
    private final Disk disk;

    /** While this file exists, faults.c makes system calls fail. */
    private final Path ioErrors;

    /** While this file exists, faults.c makes one read of the database fail, and deletes it. */
    private final Path oneIoError;

    /** The seconds that faults.c adds to the clock. The monotonic clock stays correct. */
    private final Path clockOffset;

    private boolean diskIsBroken;
    private boolean databaseIsDamaged;

    /** Files in the spool that no hook wrote. The worker must keep them. */
    final List<String> litter = new ArrayList<>();

    HostFaults(ScriptRun run, boolean smallDisk) throws IOException {
        this.run = run;
        world = run.world;
        ioErrors = world.dir.resolve("io-errors");
        oneIoError = world.dir.resolve("one-io-error");
        clockOffset = world.dir.resolve("clock");
        setClock(0);
        world.set("EIO_WHEN", ioErrors)
                .set("EIO_ONCE", oneIoError)
                .set("EIO_UNDER", world.state + ":" + world.roots)
                .set("CLOCK_OFFSET", clockOffset)
                .set("LD_PRELOAD", System.getProperty("faults"));
        disk = smallDisk ? Disk.mount(world.state, 8) : null;
    }

    /** Whether a fault of the disk or the database explains an error. */
    boolean areActive() {
        return Files.exists(ioErrors) || diskIsBroken || databaseIsDamaged;
    }

    void healDisk() throws IOException {
        if (disk != null) {
            disk.heal();
            diskIsBroken = false;
        }
    }

    /** Ends the faults that last, except those of the disk. */
    void heal() throws IOException {
        setClock(0);
        ioErrors(false);
        rootsFolder(false, true);
    }

    void setClock(int minutes) throws IOException {
        Path next = clockOffset.resolveSibling("clock-next");
        Files.writeString(next, minutes * 60 + "\n");
        Files.move(next, clockOffset, StandardCopyOption.ATOMIC_MOVE);
    }

    void setClockBack(String destination) throws IOException {
        setClock(600);
        run.outages.begin(destination);
        run.worker.ask("resume");
        run.enqueue(run.model.plainPath());
        run.worker.ask("wait timeout=1s");
        setClock(0);
    }

    void ioErrors(boolean on) throws IOException {
        run.model.noRootsCanBeMade(on);
        if (on) {
            run.worker.mayFail();
            Files.writeString(ioErrors, "");
        } else {
            Files.deleteIfExists(ioErrors);
        }
    }

    /** If one read fails, the disk works again when the worker looks whether its database is damaged. */
    void ioErrorsForAMoment(boolean oneRead, Random random) throws IOException {
        ioErrors(false);
        run.worker.listen();
        run.callers.line(3, random);
        ioErrors(true);
        run.callers.line(3, random); // makes SQLite discard its page cache
        if (oneRead) {
            Files.writeString(oneIoError, "");
            ioErrors(false);
        }
        run.worker.ask("failed");
        run.worker.ask("list");
        ioErrors(false);
        Files.deleteIfExists(oneIoError);
    }

    void breakDisk(boolean full) throws IOException {
        if (disk == null) {
            return;
        }
        if (full) {
            fillDisk();
        } else {
            run.worker.kill(); // the kernel refuses the remount while a file is open for writing
            diskIsBroken = true;
            disk.makeReadOnly();
        }
    }

    void fillDisk() throws IOException {
        if (disk != null) {
            run.worker.mayFail();
            diskIsBroken = true;
            disk.fill();
        }
    }

    void rootsFolder(boolean leaves, boolean returns) throws IOException {
        if (leaves) {
            moveRoots(true);
            run.worker.listen();
            run.enqueue(run.model.refusedPath()); // it fails, and then keeps its root
        }
        if (returns) {
            moveRoots(false);
        }
    }

    private void moveRoots(boolean gone) throws IOException {
        Path away = world.roots.resolveSibling("roots-are-away");
        if (gone == Files.exists(away)) {
            return;
        }
        run.model.rootsFolder(gone);
        Files.move(gone ? world.roots : away, gone ? away : world.roots);
        if (!gone && !areActive()) {
            missingRootsAreMade();
        }
    }

    /** Garbage collection may come at any time: a worker makes the roots within 5 s, also while a destination is down. */
    private void missingRootsAreMade() throws IOException {
        run.worker.signal("CONT");
        var missing = new TreeSet<String>();
        boolean made = Wait.comesTrue(Duration.ofSeconds(15), () -> {
            missing.clear();
            missing.addAll(queued());
            Set<String> roots = roots();
            missing.removeAll(roots);
            run.model.rooted(roots);
            return missing.isEmpty();
        });
        if (!made) {
            run.breach("queued, and without a root although the folder is back: " + missing);
        }
    }

    /** The names of the queued paths; none for a worker that could not open its database, and refuses requests. */
    private List<String> queued() {
        try {
            return run.entries("list json").stream()
                    .map(entry -> Model.baseName(entry.get("path").getAsString()))
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    void collectGarbage() throws IOException {
        if (Files.exists(world.roots)) { // otherwise every path would disappear
            // List the roots first: a root is removed after the path's last delivery.
            Set<String> roots = roots();
            run.model.collect(roots, run.nix).forEach(path -> run.breach("not settled, and yet garbage: " + path));
        }
    }

    private Set<String> roots() {
        return Set.copyOf(World.names(world.roots));
    }

    void litterSpool(int kind) throws IOException {
        String name = "litter-" + kind + "-" + System.nanoTime() + ".paths";
        onFaultyDisk(() -> {
            Path spool = Files.createDirectories(world.state.resolve("spool"));
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
        });
    }

    void damageDatabase(int kind, Random random) throws IOException {
        run.worker.kill();
        run.countsAreLost = true;
        databaseIsDamaged = true;
        run.model.databaseIsLost(Files.exists(world.roots) ? roots() : Set.of());
        onFaultyDisk(() -> Damage.toDatabase(world.state, kind, random));
    }

    private interface Writing {
        void run() throws IOException;
    }

    /** A full or read-only disk may refuse this. */
    private void onFaultyDisk(Writing writing) throws IOException {
        try {
            writing.run();
        } catch (IOException e) {
            if (disk == null) {
                throw e;
            }
        }
    }

    void close() {
        if (disk != null) {
            disk.unmount();
        }
    }
}
