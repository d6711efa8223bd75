package hookqueue.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is tested.
 *
 * @param hook the post-build-hook
 * @param client the command line
 * @param java what begins the worker, up to where further options for the JVM would stand
 * @param main the rest of that command
 */
public record Program(Path hook, Path client, List<String> java, List<String> main) {
    /** Of a tree that {@code ./dev build} has made, or that was installed. */
    public static Program installed(Path tree) {
        Path client = tree.resolve("bin/nix-post-build-hook-queue");
        return new Program(
                tree.resolve("bin/post-build-hook"),
                client,
                List.of(client.toString()),
                List.of("serve"));
    }

    /** Of the sources: the scripts as they are, and the classes of this JVM's class path. */
    public static Program ofSources() {
        var java =
                new ArrayList<>(
                        List.of(
                                System.getProperty("java.home") + "/bin/java",
                                "--enable-native-access=ALL-UNNAMED",
                                "-Dslf4j.provider=hookqueue.systemd.Journal",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-Xmx48m",
                                "-Xss256k"));
        java.addAll(List.of("-cp", System.getProperty("java.class.path")));
        return new Program(
                script("post-build-hook"),
                script("nix-post-build-hook-queue"),
                java,
                List.of("hookqueue.Main", "serve"));
    }

    /** The whole command of the worker. */
    public List<String> worker(String... options) {
        var command = new ArrayList<>(java);
        command.addAll(List.of(options));
        command.addAll(main);
        return command;
    }

    private static Path script(String name) {
        return Path.of("src/main/sh", name).toAbsolutePath();
    }
}
