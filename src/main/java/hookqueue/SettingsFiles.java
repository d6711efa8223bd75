package hookqueue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that the files of the settings were edited while the worker runs. systemd has read them,
 * and the worker may not: only root can read a file with secrets. So it compares what everyone can
 * see: the real path, the inode, the size, and the time of the last change.
 *
 * <p>The unit names the files in {@code NPBHQ_SETTINGS_FILES}, separated by white space. A folder
 * stands for the files {@code *.conf} in it.
 */
final class SettingsFiles {
    private static final Logger LOG = LoggerFactory.getLogger(SettingsFiles.class);

    private final List<Path> named = new ArrayList<>();
    private @Nullable Map<Path, String> atFirst;

    SettingsFiles(Map<String, String> environment) {
        for (String word :
                environment.getOrDefault("NPBHQ_SETTINGS_FILES", "").trim().split("\\s+")) {
            if (word.startsWith("/")) {
                named.add(Path.of(word));
            }
        }
    }

    /**
     * The first file that is not as it was at the first call: edited, added or removed. The first
     * call comes a moment after the start, which has better things to do.
     */
    synchronized Optional<String> edited() {
        Map<Path, String> now = look();
        if (atFirst == null) {
            atFirst = now;
        }
        var all = new TreeMap<>(atFirst);
        all.putAll(now);
        for (Path file : all.keySet()) {
            if (!Objects.equals(atFirst.get(file), now.get(file))) {
                return Optional.of(file.toString());
            }
        }
        return Optional.empty();
    }

    private Map<Path, String> look() {
        var stamps = new TreeMap<Path, String>();
        for (Path file : named) {
            if (!Files.isDirectory(file)) {
                stamp(file, stamps);
                continue;
            }
            try (DirectoryStream<Path> inside = Files.newDirectoryStream(file, "*.conf")) {
                inside.forEach(each -> stamp(each, stamps));
            } catch (IOException e) {
                LOG.trace("not readable", e);
            }
        }
        return stamps;
    }

    /** A file that is absent, or cannot be seen, has no stamp. */
    private static void stamp(Path file, Map<Path, String> stamps) {
        try {
            // Not the time of the inode's change: systemd-tmpfiles sets the mode again.
            Object seen = Files.readAttributes(file, "unix:ino,size,lastModifiedTime");
            stamps.put(file, file.toRealPath() + " " + seen);
        } catch (IOException e) {
            LOG.trace("absent", e);
        }
    }
}
