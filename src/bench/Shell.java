import hookqueue.testkit.World;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A shell that waits for commands, so that what is timed is a fork and the command, as in the program that calls a
 * hook, and not what a JVM needs to start a process. Used by one thread.
 */
final class Shell implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Path said;

    Shell(World world) throws IOException {
        said = Files.createTempFile(world.dir, "said", "");
        process = world.builder(java.util.Map.of(), "/bin/sh")
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        time(":");
    }

    /** Milliseconds that the command takes. It must succeed. */
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

    /** The same, of a command that is to say nothing: a hook that does has failed. */
    double timeSilent(String command) throws IOException {
        double took = time(command);
        if (Files.size(said) > 0) {
            throw new IOException("%.300s said: %s".formatted(command, World.text(said)));
        }
        return took;
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
