package hookqueue.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The program under test.
 *
 * @param hook the post-build-hook
 * @param client the command line
 * @param java the start of the worker's command, up to the place for further JVM options
 * @param main the rest of the command
 */
public record Program(Path hook, Path client, List<String> java, List<String> main) {
    /** Made once, and only where the sources are used. */
    private static final class Sources {
        static final List<String> CLASSES = classes();
        static final Path CLIENT = client(script("nix-post-build-hook-queue"));
    }

    /** The program of a tree from {@code ./dev build}, or of an installed one. */
    public static Program installed(Path tree) {
        Path client = tree.resolve("bin/nix-post-build-hook-queue");
        return new Program(
                tree.resolve("bin/post-build-hook"),
                client,
                List.of(client.toString()),
                List.of("serve"));
    }

    /** The program of the sources: the scripts, and the classes of this JVM's class path. */
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
        java.addAll(Sources.CLASSES);
        return new Program(
                script("post-build-hook"),
                Sources.CLIENT,
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

    /**
     * The class path. If the program is in its jar, as after Maven's phase "package", it contains
     * only jars. Then the first worker that exits writes an archive of its classes, with which the
     * others start faster. Each run of this JVM makes a new archive, because an old one would
     * contain old classes.
     */
    private static List<String> classes() {
        String path = System.getProperty("java.class.path");
        List<String> jars =
                Arrays.stream(path.split(File.pathSeparator))
                        .filter(entry -> entry.endsWith(".jar"))
                        .toList();
        if (jars.stream().noneMatch(jar -> jar.contains("/nix-post-build-hook-queue-"))) {
            return List.of("-cp", path);
        }
        try {
            return List.of(
                    "-cp",
                    String.join(File.pathSeparator, jars),
                    "-XX:+AutoCreateSharedArchive",
                    "-XX:SharedArchiveFile=" + Folders.kept().resolve("classes.jsa"),
                    "-Xlog:disable",
                    "-Xlog:all=error:stderr");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The client with its usage, as src/dev/assemble.sh makes it. */
    private static Path client(Path source) {
        Path help = Path.of("src/main/resources/hookqueue/protocol/help.txt");
        try {
            Path client = Folders.kept().resolve(source.getFileName());
            Files.copy(source, client, StandardCopyOption.COPY_ATTRIBUTES);
            Files.writeString(
                    client, Files.readString(source).replace("@help@\n", Files.readString(help)));
            return client;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path script(String name) {
        return Path.of("src/main/sh", name).toAbsolutePath();
    }
}
