package hookqueue.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * The one list of the protocol's requests: the resource help.txt. The build puts it into the
 * client's usage, too (src/dev/assemble.sh), and the shell completions read that. The manual page
 * and docs/protocol.md must have the same words; a test compares them (src/test/sh/words.sh).
 */
public final class Help {
    private Help() {}

    /** Each request with its arguments, and in a second column its meaning. */
    public static List<String> lines() throws IOException {
        try (InputStream list =
                Objects.requireNonNull(Help.class.getResourceAsStream("help.txt"))) {
            return new String(list.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(String::strip)
                    .toList();
        }
    }
}
