package hookqueue.testkit;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The programs that tests call, other than the shell and coreutils. */
public final class Tools {
    private Tools() {}

    /**
     * The absolute path of a program in {@code PATH}. If it is missing, the test fails here: a
     * shell script would continue without it, and the test would see nothing.
     */
    public static String find(String name) {
        for (String directory : List.of(System.getenv("PATH").split(File.pathSeparator))) {
            Path program = Path.of(directory, name);
            if (Files.isRegularFile(program) && Files.isExecutable(program)) {
                return program.toAbsolutePath().toString();
            }
        }
        throw new AssertionError("this test needs the program " + name + ", which is not in PATH");
    }

    /** Runs a command without output, and returns its exit status. */
    public static int run(String... command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .onExit()
                .join()
                .exitValue();
    }
}
