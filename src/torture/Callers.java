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

/** Those who call the queue in a script: hooks, clients, and people who wait, drop and look. */
final class Callers {
    /** What a busy machine may add to a process that has ended in time. */
    private static final long LATE_MILLISECONDS = 2_500;

    private static final int WAITERS = 64;

    private final Run run;

    /** Whether clients wait at more connections than there are. */
    private volatile boolean crowded;

    Callers(Run run) {
        this.run = run;
    }

    void line(Step.Line step) throws IOException {
        List<String> paths = run.model.newPaths(step.paths(), new Random(step.seed()));
        run.enqueue(paths);
    }

    void repeat(Step.Repeat step) {
        run.repeats = true;
        String path = anyOffered(step.seed());
        run.enqueue(path);
    }

    void drop(Step.Drop step) {
        String path = anyOffered(step.seed());
        run.model.drop(path);
        run.ask("drop " + path);
    }

    private String anyOffered(long seed) {
        var offered = List.copyOf(run.model.offered());
        return offered.get(new Random(seed).nextInt(offered.size()));
    }

    void hooks(int atOnce, int paths, Random random) throws IOException {
        try (var threads = Executors.newFixedThreadPool(atOnce)) {
            var hooks = new ArrayList<Future<?>>();
            for (int i = 0; i < atOnce; i++) {
                List<String> some = run.model.newPaths(paths, random);
                hooks.add(threads.submit(() -> one(some)));
            }
            for (Future<?> hook : hooks) {
                hook.get();
            }
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One real hook; its promise is to succeed, in time, and to say what it could not do. */
    private void one(List<String> paths) {
        try {
            Path said = Files.createTempFile(run.world.dir, "hook", "");
            long began = System.nanoTime();
            Process hook = run.world.builder(Map.of("OUT_PATHS", String.join(" ", paths)), run.world.program.hook().toString())
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
            if (!hook.waitFor(60, TimeUnit.SECONDS)) {
                hook.destroyForcibly();
                run.breach("a hook ran for more than 60 s");
                return;
            }
            long took = (System.nanoTime() - began) / 1_000_000;
            if (hook.exitValue() != 0) {
                run.breach("a hook ended with " + hook.exitValue() + ": " + World.text(said));
            }
            if (took > Run.LIMIT_MILLISECONDS + LATE_MILLISECONDS) {
                run.breach("a hook with a limit of " + Run.LIMIT + " took " + took + " ms: " + World.text(said));
            }
            String text = World.text(said);
            if (text.contains("NOT queued")) {
                run.model.stray(paths);
                return;
            }
            if (!text.isEmpty()) {
                if (crowded && text.contains("connections")) {
                    run.breach("a hook had no place beside those who wait: " + text);
                }
                run.model.spool(paths);
            }
            run.model.accept(paths);
        } catch (IOException | InterruptedException e) {
            run.breach("a hook could not be run: " + e);
        }
    }

    /** Nothing was promised of their paths. */
    void killed(Step.HooksKilled step) throws IOException {
        var random = new Random(step.seed());
        for (int i = 0; i < step.atOnce(); i++) {
            List<String> paths = run.model.newPaths(2, random);
            run.model.stray(paths);
            run.world.builder(Map.of("OUT_PATHS", String.join(" ", paths)), run.world.program.hook().toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        }
        World.pause(step.afterMilliseconds());
        Leftover.killHooks(run.world.dir);
    }

    /** Who is told that it is done must find it done. */
    void await(Step.Await step) throws IOException {
        if (step.down().isEmpty()) {
            awaitTag(step);
            return;
        }
        // With nothing else to do, nobody knows of the outage, and what is refused first is put off.
        Map<String, FakeNix.Mode> before = run.outages.end();
        run.listen();
        run.ask("resume");
        run.ask("retry");
        run.ask("wait timeout=2s");
        run.outages.turn(step.down(), FakeNix.Mode.DOWN);
        awaitTag(step);
        for (Map.Entry<String, FakeNix.Mode> other : before.entrySet()) {
            if (!other.getKey().equals(step.down())) {
                run.outages.turn(other.getKey(), other.getValue());
            }
        }
    }

    private void awaitTag(Step.Await step) throws IOException {
        List<String> paths = run.model.newPaths(step.paths(), new Random(step.seed()));
        String tag = "job-" + step.seed();
        if (!run.ask("queue tag=" + tag + " " + String.join(" ", paths))) {
            return;
        }
        run.model.accept(paths);
        run.listen();
        if (run.ask("wait tag=" + tag + " timeout=1500ms")) {
            for (String path : paths) {
                for (String lane : Destinations.ALL) {
                    if (run.model.owes(path, lane) && !run.nix.has(lane, path)) {
                        run.breach("wait says that all is done, but %s has not got %s".formatted(lane, path));
                    }
                }
            }
        }
    }

    /** A path that is not taken by a destination, which then is known to be down. */
    void meetsOutage(String lane) throws IOException {
        run.outages.turn(lane, FakeNix.Mode.DOWN);
        run.listen();
        run.ask("resume");
        String path = run.model.plainPath();
        run.enqueue(path);
        run.ask("wait timeout=1s");
    }

    /** A path that will fail, and then keeps its root. */
    void refused() throws IOException {
        run.listen();
        String path = run.model.refusedPath();
        run.enqueue(path);
    }

    void newDestination() throws IOException {
        run.without(Model.COMES_AND_GOES);
        run.outages.turn("near", FakeNix.Mode.DOWN);
        String path = run.model.plainPath();
        run.listen();
        run.enqueue(path);
        run.without("");
        run.listen();
        if (run.ask("queue " + path)) {
            run.repeats = true;
            run.model.accept(List.of(path));
        }
    }

    void alone(String lane) throws IOException {
        run.outages.turn(lane, FakeNix.Mode.DOWN);
        String path = run.model.plainPath();
        run.listen();
        if (!run.model.owes(path, lane) || !run.enqueue(path)) {
            return;
        }
        World.pause(Run.IDLE_MILLISECONDS + 1_200);
        if (!run.queue().alive() && run.queue().exit(Duration.ofSeconds(1)) == 0) {
            run.breach("the worker took itself for idle with " + path + " to deliver to " + lane);
        }
    }

    /**
     * So many clients wait or watch that there would be no connection left; whoever is told that there is no place goes.
     * Hooks find one all the same.
     */
    void waiters(Random random) throws IOException {
        run.outages.turn("near", FakeNix.Mode.DOWN);
        run.listen();
        run.ask("resume");
        String path = run.model.plainPath();
        if (!run.enqueue(path)) {
            return;
        }
        var clients = new ArrayList<Client>();
        var threads = new ArrayList<Thread>();
        var asked = new CountDownLatch(WAITERS);
        try {
            for (int i = 0; i < WAITERS; i++) {
                var client = new Client(run.world.socket);
                clients.add(client);
                String line = i % 2 == 0 ? "wait\n" : "watch\n";
                threads.add(Thread.ofPlatform().start(() -> waiter(client, line, asked)));
            }
            asked.await();
            World.eventually(Duration.ofSeconds(15), "an answer beside clients that wait", () -> run.ask("version") || !run.queue().alive());
            crowded = run.queue().alive();
            hooks(4, 1, random);
        } catch (AssertionError e) {
            if (run.queue().alive()) {
                run.breach("no connection is left beside " + WAITERS + " clients that wait");
            }
        } catch (IOException e) {
            // The worker did not live long enough.
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            crowded = false;
            for (Client client : clients) {
                client.close();
            }
        }
    }

    private static void waiter(Client client, String line, CountDownLatch asked) {
        try (client) {
            client.send(line);
            asked.countDown();
            client.reply();
        } catch (IOException e) {
            // Refused, or closed at the end of the step.
        } finally {
            asked.countDown();
        }
    }

    /** They write a line, and go at once. */
    void clients(Step.Clients step) throws IOException {
        var random = new Random(step.seed());
        for (int i = 0; i < step.count(); i++) {
            List<String> paths = run.model.newPaths(1, random);
            try (var client = new Client(run.world.socket)) {
                client.send(paths.getFirst() + "\n");
            } catch (IOException e) {
                // Nobody listens: then nothing was promised.
            }
        }
    }
}
