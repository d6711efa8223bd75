import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Copies jars without the native libraries they carry for two dozen platforms (neither is published for one of them alone), and puts those of one platform beside
 * them: three quarters of the install tree would otherwise be of no use to anybody. Both libraries would unpack theirs
 * anew at each start besides. The same input gives the same output, byte for byte.
 *
 * <p>Of classes that are there for several versions of Java, the one is kept that the JVM would take: junixsocket asks
 * for classes that are not there, for which every jar is opened, and reading its list of 1,600 files takes 10 ms.
 *
 * <p>{@code java Repack.java MACHINE OUT JAR...}, where MACHINE is what {@code uname -m} says: leaves {@code
 * OUT/*.jar} and {@code OUT/native/*.so}.
 */
final class Repack {
    /** What the two libraries call a machine: {sqlite-jdbc, junixsocket}. */
    private static final Map<String, List<String>> MACHINES = Map.of(
            "x86_64", List.of("x86_64", "amd64"),
            "aarch64", List.of("aarch64", "aarch64"),
            "riscv64", List.of("riscv64", "riscv64"));

    /** The oldest Java that the launcher takes. */
    private static final Runtime.Version OLDEST = Runtime.Version.parse("25");

    private Repack() {}

    public static void main(String[] args) throws IOException {
        List<String> names = MACHINES.get(args[0]);
        if (names == null) {
            System.err.println("no native libraries are known for the machine " + args[0] + ", only for "
                    + MACHINES.keySet().stream().sorted().toList());
            System.exit(1);
        }
        Path out = Path.of(args[1]);
        Files.createDirectories(out.resolve("native"));
        int found = 0;
        for (String jar : List.of(args).subList(2, args.length)) {
            found += repack(Path.of(jar), names, out);
        }
        if (found != 2) {
            System.err.println("expected the native libraries of sqlite-jdbc and junixsocket, found " + found);
            System.exit(1);
        }
    }

    private static int repack(Path jar, List<String> machine, Path out) throws IOException {
        var kept = new TreeMap<String, byte[]>();
        int found = 0;
        // A multi-release jar (JEP 238) answers for a name with what is meant for the version of Java at hand.
        try (var in = new JarFile(jar.toFile(), false, JarFile.OPEN_READ, OLDEST)) {
            for (JarEntry entry : in.versionedStream().filter(e -> !e.isDirectory()).toList()) {
                String name = entry.getName();
                byte[] content = in.getInputStream(entry).readAllBytes();
                if (isWanted(name, machine)) {
                    // The launcher knows the libraries by these names.
                    String library = name.contains("junixsocket") ? "libjunixsocket-native.so" : "libsqlitejdbc.so";
                    Files.write(out.resolve("native").resolve(library), content);
                    found++;
                } else if (name.equals(JarFile.MANIFEST_NAME)) {
                    kept.put(name, ofOneRelease(in.getManifest()));
                } else if (!isOfNoUse(name)) {
                    kept.put(name, content);
                }
            }
        }
        // Nothing else is in this one that anybody asks for.
        if (!jar.getFileName().toString().startsWith("junixsocket-native-common-")) {
            write(kept, out.resolve(jar.getFileName()));
        }
        return found;
    }

    private static byte[] ofOneRelease(Manifest manifest) throws IOException {
        manifest.getMainAttributes().remove(Attributes.Name.MULTI_RELEASE);
        var bytes = new ByteArrayOutputStream();
        manifest.write(bytes);
        return bytes.toByteArray();
    }

    /** Native code, and what only those read who compile against a jar; sqlite-jdbc also looks for its version there. */
    private static boolean isOfNoUse(String name) {
        return name.startsWith("META-INF/maven/") || name.startsWith("org/sqlite/native/") || name.startsWith("lib/") && name.contains("/jni/")
                || name.startsWith("META-INF/native-image/");
    }

    private static boolean isWanted(String name, List<String> machine) {
        return name.equals("org/sqlite/native/Linux/" + machine.get(0) + "/libsqlitejdbc.so")
                || name.matches("lib/" + machine.get(1) + "-Linux-clang/jni/libjunixsocket-native-[0-9.]+\\.so");
    }

    private static void write(Map<String, byte[]> entries, Path jar) throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            zip.setLevel(9);
            for (var entry : entries.entrySet()) {
                var header = new ZipEntry(entry.getKey());
                // For the first moment that the format knows, ZipEntry adds a field that depends on the time zone.
                header.setTimeLocal(LocalDateTime.of(1980, 2, 1, 0, 0));
                zip.putNextEntry(header);
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
    }
}
