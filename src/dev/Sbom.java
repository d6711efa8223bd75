import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.jar.JarFile;

/**
 * What the program is made of, for scanners of vulnerabilities and licences: a CycloneDX 1.6 document.
 *
 * <p>{@code java Sbom.java VERSION OUT JAR...}, where the jars are as they were published, for that is what their hashes
 * are known by. Written from the jars and nothing else, so that it needs no network, comes out the same each time, and
 * cannot say what is not so. A jar whose licence is not known here is an error.
 */
final class Sbom {
    /** From the poms of these versions' lines; the jars do not have it in one form. */
    private static final Map<String, String> LICENCES =
            Map.of(
                    "com.kohlschutter.junixsocket", "Apache-2.0",
                    "ch.qos.logback", "EPL-2.0 OR LGPL-2.1-only",
                    "org.slf4j", "MIT",
                    "org.xerial", "Apache-2.0",
                    "com.google.code.gson", "Apache-2.0");

    private Sbom() {}

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        var components = new ArrayList<String>();
        List<String> jars = List.of(arguments).subList(2, arguments.length).stream().sorted().toList();
        for (String jar : jars) {
            components.add(library(Path.of(jar)));
        }
        if (components.isEmpty()) {
            throw new IllegalArgumentException("no jars");
        }
        String version = plain(arguments[0]);
        Files.writeString(
                Path.of(arguments[1]),
                """
                {
                  "bomFormat": "CycloneDX",
                  "specVersion": "1.6",
                  "version": 1,
                  "metadata": {
                    "component": {
                      "type": "application",
                      "name": "nix-post-build-hook-queue",
                      "version": "%s",
                      "licenses": [{ "expression": "MIT" }]
                    }
                  },
                  "components": [
                %s
                  ]
                }
                """
                        .formatted(version, String.join(",\n", components)));
    }

    private static String library(Path jar) throws IOException, GeneralSecurityException {
        var properties = new Properties();
        try (var file = new JarFile(jar.toFile())) {
            var found =
                    file.stream()
                            .filter(entry -> entry.getName().matches("META-INF/maven/.*/pom[.]properties"))
                            .toList();
            if (found.size() != 1) {
                throw new IOException(jar + " does not say what it is: " + found);
            }
            properties.load(file.getInputStream(found.getFirst()));
        }
        String group = plain(properties.getProperty("groupId"));
        String name = plain(properties.getProperty("artifactId"));
        String version = plain(properties.getProperty("version"));
        String licence = LICENCES.get(group);
        if (licence == null) {
            throw new IOException("the licence of " + group + ":" + name + " is not known to Sbom.java");
        }
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar));
        String inside = name.equals("sqlite-jdbc") ? sqlite(version) : "";
        return """
                    {
                      "type": "library",
                      "bom-ref": "pkg:maven/%1$s/%2$s@%3$s",
                      "group": "%1$s",
                      "name": "%2$s",
                      "version": "%3$s",
                      "purl": "pkg:maven/%1$s/%2$s@%3$s",
                      "hashes": [{ "alg": "SHA-256", "content": "%4$s" }],
                      "licenses": [{ "expression": "%5$s" }]%6$s
                    }"""
                .formatted(group, name, version, HexFormat.of().formatHex(hash), licence, inside)
                .indent(4)
                .stripTrailing();
    }

    /** The driver has SQLite itself in it, as native code, and is versioned as that is, with one number more. */
    private static String sqlite(String driver) {
        String version = driver.substring(0, driver.lastIndexOf('.'));
        return """
                ,
                  "components": [{
                    "type": "library",
                    "name": "sqlite",
                    "version": "%1$s",
                    "cpe": "cpe:2.3:a:sqlite:sqlite:%1$s:*:*:*:*:*:*:*",
                    "licenses": [{ "license": { "name": "SQLite public domain dedication" } }]
                  }]"""
                .formatted(version);
    }

    /** Fit for JSON as it is. */
    private static String plain(String text) {
        if (text == null || !text.matches("[A-Za-z0-9._+-]+")) {
            throw new IllegalArgumentException("not a name or version: " + text);
        }
        return text;
    }
}
