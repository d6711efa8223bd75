import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Facts about the machine for the table. */
final class Machine {
    private Machine() {}

    static Map<String, Object> facts(World world) throws IOException {
        var facts = new LinkedHashMap<String, Object>();
        facts.put("cores", Runtime.getRuntime().availableProcessors());
        facts.put("cpu", line("/proc/cpuinfo", "model name"));
        facts.put("memory", line("/proc/meminfo", "MemTotal"));
        facts.put("kernel", Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
        facts.put("system", line("/etc/os-release", "PRETTY_NAME").replace("\"", ""));
        facts.put("file_system", Files.getFileStore(world.dir).type());
        facts.put("jdk", System.getProperty("java.vendor.version") + " (" + Runtime.version() + ")");
        facts.put("nix", world.run("nix", "--version").strip());
        facts.put("socat", world.run("socat", "-V").lines().skip(1).findFirst().orElse("").strip());
        facts.put("queue", world.run(world.program.client().toString(), "--version").strip());
        return facts;
    }

    /** The load average of the last minute. */
    static double load() throws IOException {
        return Double.parseDouble(Files.readString(Path.of("/proc/loadavg")).split(" ")[0]);
    }

    private static String line(String file, String name) throws IOException {
        try (var lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(line.contains("=") ? '=' : ':') + 1).strip())
                    .orElse("unknown");
        }
    }
}
