import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Processes that carry a world's folder in their environment and were started for a worker's child. */
final class Leftover {
    private Leftover() {}

    /** Their numbers and names. */
    static List<String> of(Path world) throws IOException {
        var found = new ArrayList<String>();
        try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                String environment = read(process.resolve("environ"));
                if (environment.contains("NPBHQ_CHILD=") && environment.contains("NPBHQ_STATE_DIR=" + world + "/")) {
                    found.add(process.getFileName() + " " + read(process.resolve("comm")).strip());
                }
            }
        }
        return found;
    }

    static void kill(Path world) throws IOException {
        for (String each : of(world)) {
            ProcessHandle.of(Long.parseLong(each.split(" ")[0])).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }
}
