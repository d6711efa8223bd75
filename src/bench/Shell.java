import hookqueue.testkit.World;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A shell that runs commands, so that a measurement contains a fork and the command, as in Nix, which calls the hook, and
 * not the JVM's slower start of a process. For one thread.
 */
final class Shell implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Path said;

    Shell(World world) throws IOException {
        said = Files.createTempFile(world.dir, "said", "");
        process = world.builder(Map.of(), "/bin/sh")
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        time(":");
    }

    /** Milliseconds of a command, which must succeed. */
    double time(String command) throws IOException {
        byte[] line = ("{ " + command + "; } >" + said + " 2>&1 </dev/null; echo $?\n").getBytes(StandardCharsets.UTF_8);
        long began = System.nanoTime();
        process.getOutputStream().write(line);
        process.getOutputStream().flush();
        String status = answers.readLine();
        double took = (System.nanoTime() - began) / 1e6;
        if (!"0".equals(status)) {
            throw new IOException("%.300s ended with %s: %s".formatted(command, status, World.text(said)));
        }
        return took;
    }

    /** The same for a command that must print nothing: a hook that prints something has failed. */
    double timeSilent(String command) throws IOException {
        double took = time(command);
        if (Files.size(said) > 0) {
            throw new IOException("%.300s said: %s".formatted(command, World.text(said)));
        }
        return took;
    }

    /** Milliseconds of a hook for one path. */
    double hook(World world, String path) throws IOException {
        return timeSilent("OUT_PATHS=" + path + " " + world.program.hook());
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
