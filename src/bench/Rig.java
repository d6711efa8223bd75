import com.google.gson.JsonObject;
import hookqueue.testkit.Json;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A worker in a world of its own, a trivial server beside it, and a shell that runs hooks and socats. */
final class Rig implements AutoCloseable {
    final World world;
    final WorkerProcess queue;
    private final TrivialServer trivial;
    final Shell shell;
    private int made;

    /** The destination is a program that accepts every path at once. */
    Rig(Plan plan) throws IOException {
        this(plan, "exec:/bin/true");
    }

    Rig(Plan plan, String destination) throws IOException {
        this(World.kept(plan.dist()).set("NPBHQ_UPLOAD_TO", destination));
    }

    /** In a world that may have a queue already. */
    Rig(World world) throws IOException {
        this.world = world;
        queue = WorkerProcess.start(world);
        trivial = new TrivialServer(socketOfTrivial());
        shell = new Shell(world);
    }

    Path socketOfTrivial() {
        return world.dir.resolve("t");
    }

    /** A new path. */
    synchronized String path() throws IOException {
        return world.made("rig", ++made, 1);
    }

    /** Milliseconds of a hook for a new path. */
    double hook() throws IOException {
        return hook(shell);
    }

    double hook(Shell shell) throws IOException {
        return shell.hook(world, path());
    }

    /** The same, and then waits until the path is settled. */
    double settledHook() throws IOException {
        double took = hook();
        queue.ask("wait");
        return took;
    }

    /** Milliseconds of a socat that sends a new path to the trivial server: what no hook can be faster than. */
    double socat() throws IOException {
        return socat(shell);
    }

    double socat(Shell shell) throws IOException {
        return socat(shell, socketOfTrivial());
    }

    /** The same to the queue. */
    double socatToQueue() throws IOException {
        double took = socat(shell, world.socket);
        queue.ask("wait");
        return took;
    }

    private double socat(Shell shell, Path socket) throws IOException {
        Path line = Files.writeString(world.dir.resolve("line-" + Thread.currentThread().threadId()), path() + "\n");
        return shell.time("socat -t 9 - UNIX-CONNECT:" + socket + " <" + line);
    }

    /** What the worker reports of its only lane. */
    JsonObject lane() throws IOException {
        return Json.object(queue.lines("status json").getFirst()).getAsJsonArray("lanes").get(0).getAsJsonObject();
    }

    @Override
    public void close() throws IOException {
        shell.close();
        trivial.close();
        queue.close();
        world.close();
    }
}
