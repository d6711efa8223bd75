import hookqueue.testkit.Client;
import hookqueue.testkit.FakeNix;
import hookqueue.testkit.Leftover;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The hooks and clients of a script. */
final class Callers {
    /** How long a busy machine may delay the end of a hook. */
    private static final long LATE_MILLISECONDS = 2_500;

    private static final int WAITERS = 64;

    private final ScriptRun run;

    /** Whether more clients wait than there are connections. */
    private volatile boolean crowded;

    Callers(ScriptRun run) {
        this.run = run;
    }

    void line(int paths, Random random) throws IOException {
        run.enqueue(run.model.newPaths(paths, random));
    }

    void repeat(Random random) {
        run.repeats = true;
        run.enqueue(run.model.anyOffered(random));
    }

    void drop(Random random) {
        String path = run.model.anyOffered(random);
        run.model.drop(path);
        run.worker.ask("drop " + path);
    }

    void hooks(int parallel, int paths, Random random) throws IOException {
        try (var threads = Executors.newFixedThreadPool(parallel)) {
            var hooks = new ArrayList<Future<?>>();
            for (int i = 0; i < parallel; i++) {
                List<String> some = run.model.newPaths(paths, random);
                hooks.add(threads.submit(() -> hook(some)));
            }
            for (Future<?> hook : hooks) {
                hook.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A real hook must succeed, in time, and print what it could not do. */
    private void hook(List<String> paths) {
        try {
            Path output = Files.createTempFile(run.world.dir, "hook", "");
            long began = System.nanoTime();
            Process hook = startHook(paths, ProcessBuilder.Redirect.to(output.toFile()));
            if (!hook.waitFor(60, TimeUnit.SECONDS)) {
                hook.destroyForcibly();
                run.breach("a hook ran for more than 60 s");
                return;
            }
            long took = (System.nanoTime() - began) / 1_000_000;
            String text = World.text(output);
            if (hook.exitValue() != 0) {
                run.breach("a hook ended with " + hook.exitValue() + ": " + text);
            }
            if (took > ScriptRun.HOOK_TIMEOUT_MILLISECONDS + LATE_MILLISECONDS) {
                run.breach("a hook with a limit of 3s took " + took + " ms: " + text);
            }
            if (text.contains("NOT queued")) {
                run.model.interruptedSpool(paths);
                return;
            }
            if (!text.isEmpty()) {
                if (crowded && text.contains("connections")) {
                    run.breach("clients that wait took a hook's connection: " + text);
                }
                run.model.spool(paths);
            }
            run.model.accept(paths);
        } catch (IOException | InterruptedException e) {
            run.breach("a hook could not be run: " + e);
        }
    }

    private Process startHook(List<String> paths, ProcessBuilder.Redirect output) throws IOException {
        return run.world
                .builder(Map.of("OUT_PATHS", String.join(" ", paths)), run.world.program.hook().toString())
                .redirectErrorStream(true)
                .redirectOutput(output)
                .start();
    }

    /** A killed hook promises nothing. */
    void killed(int hooks, int afterMilliseconds, Random random) throws IOException {
        for (int i = 0; i < hooks; i++) {
            List<String> paths = run.model.newPaths(2, random);
            run.model.interruptedSpool(paths);
            startHook(paths, ProcessBuilder.Redirect.DISCARD);
        }
        World.pause(afterMilliseconds);
        Leftover.killHooks(run.world.dir);
    }

    /** With nothing else queued. The destination took a path and is full now, so the worker defers these paths. */
    void waitForFull(int paths, String destination, Random random) throws IOException {
        Map<String, FakeNix.Mode> before = run.outages.end();
        run.worker.listen();
        run.worker.ask("resume");
        run.worker.ask("retry");
        run.worker.ask("wait timeout=2s");
        waitForTag(1, "3s", random);
        run.outages.turn(destination, FakeNix.Mode.FULL);
        waitForTag(paths, "3s", random);
        for (String each : Destinations.ALL) {
            run.outages.turn(each, before.getOrDefault(each, FakeNix.Mode.UP));
        }
    }

    /** When the worker says that the tag is done, all of its paths must have arrived. */
    void waitForTag(int count, Random random) throws IOException {
        waitForTag(count, "1500ms", random);
    }

    private void waitForTag(int count, String timeout, Random random) throws IOException {
        List<String> paths = run.model.newPaths(count, random);
        String tag = "job-" + random.nextInt(Integer.MAX_VALUE);
        if (!run.worker.ask("queue tag=" + tag + " " + String.join(" ", paths))) {
            return;
        }
        run.model.accept(paths);
        run.worker.listen();
        if (run.worker.ask("wait tag=" + tag + " timeout=" + timeout)) {
            for (String path : paths) {
                for (String destination : Destinations.ALL) {
                    if (run.model.owes(path, destination) && !run.nix.has(destination, path)) {
                        run.breach("wait says that all is done, but %s has not got %s".formatted(destination, path));
                    }
                }
            }
        }
    }

    void newDestination() throws IOException {
        run.settingsFaults.without(Destinations.REMOVED_AT_TIMES);
        run.outages.begin("near");
        String path = run.model.plainPath();
        run.enqueue(path);
        run.settingsFaults.without("");
        run.worker.listen();
        if (run.enqueue(path)) {
            run.repeats = true;
        }
    }

    void idleInOutage(String destination) throws IOException {
        run.outages.begin(destination);
        String path = run.model.plainPath();
        if (!run.model.owes(path, destination) || !run.enqueue(path)) {
            return;
        }
        World.pause(ScriptRun.IDLE_TIMEOUT_MILLISECONDS + 1_200);
        if (!run.worker.alive() && run.worker.exit(Duration.ofSeconds(1)) == 0) {
            run.breach("the worker exited as idle with " + path + " to deliver to " + destination);
        }
    }

    /** The worker must keep connections for hooks, and disconnect clients that are too many. */
    void waiters(Random random) throws IOException {
        run.outages.begin("near");
        run.worker.ask("resume");
        if (!run.enqueue(run.model.plainPath())) {
            return;
        }
        var clients = new ArrayList<Client>();
        var asked = new CountDownLatch(WAITERS);
        try {
            for (int i = 0; i < WAITERS; i++) {
                var client = new Client(run.world.socket);
                clients.add(client);
                String request = i % 2 == 0 ? "wait\n" : "watch\n";
                Thread.ofPlatform().start(() -> waiter(client, request, asked));
            }
            asked.await();
            World.eventually(Duration.ofSeconds(15), "an answer beside clients that wait",
                    () -> run.worker.ask("version") || !run.worker.alive());
            crowded = run.worker.alive();
            hooks(4, 1, random);
        } catch (AssertionError e) {
            if (run.worker.alive()) {
                run.breach("no connection is left beside " + WAITERS + " clients that wait");
            }
        } catch (IOException e) {
            // The worker has ended meanwhile.
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            crowded = false;
            for (Client client : clients) {
                client.close();
            }
        }
    }

    private static void waiter(Client client, String request, CountDownLatch asked) {
        try (client) {
            client.send(request);
            asked.countDown();
            client.reply();
        } catch (IOException e) {
            // Refused, or closed at the end of the step.
        } finally {
            asked.countDown();
        }
    }

    /** Clients that do not wait for an answer. */
    void disconnecting(int count, Random random) throws IOException {
        for (int i = 0; i < count; i++) {
            List<String> paths = run.model.newPaths(1, random);
            try (var client = new Client(run.world.socket)) {
                client.send(paths.getFirst() + "\n");
            } catch (IOException e) {
                // No worker listens, so none has promised anything.
            }
        }
    }
}
