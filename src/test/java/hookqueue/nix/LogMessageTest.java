package hookqueue.nix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reader of usual lines agrees with the JSON parser. */
class LogMessageTest {
    @Test
    void linesOfACopyAreReadWithoutTheJsonParser() throws IOException {
        for (String line : recorded()) {
            LogMessage usual = LogMessage.usual(line);
            if (!line.contains("\"action\":\"msg\"")) {
                assertNotNull(usual, line);
                assertSame(LogMessage.parsed(line), usual, line);
            }
        }
    }

    @Test
    void damagedLinesAreReadAsByTheJsonParserOrLeftToIt() throws IOException {
        var random = new Random(7);
        List<String> lines = recorded();
        int read = 0;
        for (int i = 0; i < 50_000; i++) {
            var damaged = new StringBuilder(lines.get(random.nextInt(lines.size())));
            int at = LogMessage.PREFIX.length() + random.nextInt(20);
            switch (random.nextInt(3)) {
                case 0 -> damaged.setCharAt(damaged.length() - random.nextInt(20) - 1, '5');
                case 1 -> damaged.insert(at, "0{[\"}],:9".charAt(random.nextInt(9)));
                default -> damaged.deleteCharAt(damaged.length() - 2);
            }
            String line = damaged.toString();
            LogMessage usual = LogMessage.usual(line);
            LogMessage parsed = LogMessage.parsed(line);
            if (usual != null && parsed != null) {
                read++;
                assertSame(parsed, usual, line);
            }
        }
        assertTrue(read > 1_000, read + " were read");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "@nix {\"action\":\"result\",\"fields\":[],\"id\":1,\"type\":105}",
                "@nix {\"action\":\"result\",\"fields\":[1,\"]\",2],\"id\":1,\"type\":105}",
                "@nix {\"action\":\"result\",\"fields\":[-1,2],\"id\":1,\"type\":105}",
                "@nix {\"action\":\"result\",\"fields\":[1,2],\"id\":1,\"type\":105,\"new\":3}",
                "@nix {\"action\":\"start\",\"id\":1,\"text\":\"a \\\"type\\\":9\",\"type\":103}",
                "@nix {\"action\":\"start\",\"fields\":[\"id\",\"text\"],\"id\":1,\"text\":\"\",\"type\":0}",
                "@nix {\"action\":\"start\",\"id\":1,\"type\":100,\"text\":\"x\"}",
                "@nix {\"action\":\"stop\",\"id\":1,\"more\":2}",
            })
    void anUnusualLineIsReadAsTheJsonParserReadsIt(String line) {
        assertSame(LogMessage.parsed(line), LogMessage.read(line), line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "@nix ",
                "@nix }",
                "@nix {\"action\":\"stop\",\"id\":}",
                "@nix {\"action\":\"stop\",\"id\":1",
                "@nix {\"action\":\"result\",\"fields\":[1,],\"id\":,\"type\":105}",
            })
    void aCutLineIsNoMessage(String line) {
        assertNull(LogMessage.read(line));
    }

    private static void assertSame(
            @Nullable LogMessage expected, @Nullable LogMessage actual, String line) {
        assertNotNull(expected, line);
        assertNotNull(actual, line);
        if (expected.action().equals("result")) {
            assertArrayEquals(expected.fields(), actual.fields(), line);
        }
        assertEquals(shown(expected), shown(actual), line);
    }

    private static String shown(LogMessage m) {
        return m.action() + " " + m.id() + " " + m.type() + " " + m.text();
    }

    private static List<String> recorded() throws IOException {
        var lines = new ArrayList<String>();
        for (String name : List.of("copy-2.26.3.log", "copy-2.8.0.log")) {
            try (InputStream stream =
                    Objects.requireNonNull(LogMessageTest.class.getResourceAsStream(name), name)) {
                new String(stream.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.startsWith(LogMessage.PREFIX))
                        .forEach(lines::add);
            }
        }
        return lines;
    }
}
