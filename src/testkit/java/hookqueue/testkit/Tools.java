package hookqueue.testkit;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The programs that tests call, other than the shell and coreutils. */
public final class Tools {
    private Tools() {}

    /**
     * The absolute path of a program in {@code PATH}. Without it, the test fails here: a shell
     * script in which a program is missing goes on, and leaves the test nothing to see.
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
}
