package hookqueue;

import hookqueue.systemd.Journal;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The program. The shell script around it does everything but {@code serve}, without a JVM. */
public final class Main {
    private static final long STOP_SECONDS = 9;
    private static final String SOCKETS = "org.newsclub.net.unix.library.override";

    private Main() {}

    /** Runs {@code serve}, or {@code serve --dry-run} to check the settings alone. */
    public static void main(String[] args) throws InterruptedException {
        String command = String.join(" ", args);
        if (command.equals("serve --dry-run")) {
            System.exit(dryRun().code());
        }
        if (!command.equals("serve")) {
            System.err.println("usage: nix-post-build-hook-queue serve [--dry-run]");
            System.exit(Exit.USAGE.code());
        }
        makeAbsolute(SOCKETS);
        var worker = new Worker(System.getenv(), InstantSource.system());
        var ended = new CountDownLatch(1);
        var exit = new AtomicReference<>(Exit.OK);
        try {
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(() -> stop(worker, ended, exit), "stop"));
        } catch (IllegalStateException e) {
            return; // SIGTERM came first: the JVM is exiting, and status 1 would look like a crash
        }
        try {
            exit.set(worker.run());
        } catch (RuntimeException | Error e) {
            e.printStackTrace();
            exit.set(Exit.BUG);
        } finally {
            Journal.stop();
            ended.countDown();
        }
        System.exit(exit.get().code());
    }

    /** The launcher names the library relative to the working directory; the JDK refuses that. */
    private static void makeAbsolute(String property) {
        String file = System.getProperty(property);
        if (file != null) {
            System.setProperty(property, Path.of(file).toAbsolutePath().toString());
        }
    }

    /** Before a reload: a worker with wrong settings could not replace the one that runs. */
    private static Exit dryRun() {
        if (Settings.read(System.getenv()) instanceof Settings.Reading.Mistakes mistakes) {
            mistakes.all().forEach(System.err::println);
            return Exit.CONFIG;
        }
        return Exit.OK;
    }

    /** On SIGTERM: without this hook the JVM exits with 143, a failure to systemd. */
    private static void stop(Worker worker, CountDownLatch ended, AtomicReference<Exit> exit) {
        worker.stop();
        try {
            if (!ended.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("<3>could not stop within " + STOP_SECONDS + "s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(exit.get().code());
    }
}
