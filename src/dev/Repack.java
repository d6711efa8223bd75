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
 * Copies jars without their native libraries, and unpacks the libraries of one platform beside them. sqlite-jdbc and
 * junixsocket are published only with the libraries of some two dozen platforms, which would make up three quarters of
 * the install tree. Both would also unpack their library at each start. The output is reproducible, byte for byte.
 *
 * <p>Flattens multi-release jars to the classes that the JVM would load. junixsocket asks for classes that do not exist;
 * the JVM then opens every jar, and reading junixsocket's list of 1,600 files takes 10 ms.
 *
 * <p>{@code java Repack.java MACHINE OUT JAR...} writes {@code OUT/*.jar} and {@code OUT/native/*.so}. MACHINE is the
 * output of {@code uname -m}.
 */
final class Repack {
    /** The machine's name in each of the two libraries: {sqlite-jdbc, junixsocket}. */
    private static final Map<String, List<String>> MACHINES = Map.of(
            "x86_64", List.of("x86_64", "amd64"),
            "aarch64", List.of("aarch64", "aarch64"),
            "riscv64", List.of("riscv64", "riscv64"));

    /** The oldest Java version that the launcher accepts. */
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
        // For a multi-release jar (JEP 238), versionedStream returns the entries for this version of Java.
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
                    kept.put(name, withoutMultiRelease(in.getManifest()));
                } else if (!isUnneeded(name)) {
                    kept.put(name, content);
                }
            }
        }
        // The worker needs nothing else from this jar.
        if (!jar.getFileName().toString().startsWith("junixsocket-native-common-")) {
            write(kept, out.resolve(jar.getFileName()));
        }
        return found;
    }

    private static byte[] withoutMultiRelease(Manifest manifest) throws IOException {
        manifest.getMainAttributes().remove(Attributes.Name.MULTI_RELEASE);
        var bytes = new ByteArrayOutputStream();
        manifest.write(bytes);
        return bytes.toByteArray();
    }

    /** Native code, and metadata for compiling against a jar. sqlite-jdbc also looks for its version there. */
    private static boolean isUnneeded(String name) {
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
                // Not 1 January: for the format's earliest date, ZipEntry adds a field that depends on the time zone.
                header.setTimeLocal(LocalDateTime.of(1980, 2, 1, 0, 0));
                zip.putNextEntry(header);
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
    }
}
