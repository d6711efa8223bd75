package hookqueue.nix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Text;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Recorded lines of real Nix, with other names for store and cache, and malformed lines. */
class ProgressTest {
    private final Progress progress = new Progress();

    @Test
    void nix226ReportsPathsAndBytes() throws IOException {
        List<String> lines = recorded("copy-2.26.3.log");
        int half = lines.size() - 5;
        lines.subList(0, half).forEach(progress);
        Progress.Snapshot middle = progress.snapshot();
        assertEquals(30_000_232, middle.bytesExpected());
        assertEquals(2, middle.pathsExpected());
        assertTrue(middle.bytes() > 20_000_000 && middle.bytes() < 30_000_000, middle::toString);
        lines.subList(half, lines.size()).forEach(progress);
        Progress.Snapshot end = progress.snapshot();
        assertEquals(2, end.paths());
        assertEquals(
                30_000_105, end.bytes(), 120); // the recording lacks some lines of the small path
        assertEquals("", progress.complaint());
    }

    @Test
    void nix28ReportsOnlyPaths() throws IOException {
        List<String> lines = recorded("copy-2.8.0.log");
        lines.subList(0, lines.size() - 3).forEach(progress);
        assertEquals(new Progress.Snapshot(0, 0, 1, 2), progress.snapshot());
        lines.subList(lines.size() - 3, lines.size()).forEach(progress);
        assertEquals(new Progress.Snapshot(0, 0, 2, 2), progress.snapshot());
        assertEquals("", progress.complaint());
    }

    /** From recordings of 2.26 and 2.34, which report the bytes read before any byte is sent. */
    @Test
    void overHttpOnlyUploadedBytesCount() {
        progress.accept(
                "@nix {\"action\":\"start\",\"fields\":[\"/nix/store/x\",\"local\",\"http://c\"],\"id\":1,"
                        + "\"level\":3,\"parent\":0,\"text\":\"copying path '/nix/store/x' to 'http://c'\",\"type\":100}");
        progress.accept(
                "@nix {\"action\":\"result\",\"fields\":[16000112,16000112,0,0],\"id\":1,\"type\":105}");
        assertEquals(0, progress.snapshot().bytes());
        progress.accept(
                "@nix {\"action\":\"start\",\"fields\":[\"http://c/nar/1.nar\"],\"id\":2,\"level\":4,"
                        + "\"parent\":0,\"text\":\"uploading 'http://c/nar/1.nar'\",\"type\":101}");
        progress.accept("@nix {\"action\":\"result\",\"fields\":[0,0,0,0],\"id\":2,\"type\":105}");
        assertEquals(0, progress.snapshot().bytes());
        progress.accept(
                "@nix {\"action\":\"result\",\"fields\":[9413402,16000112,0,0],\"id\":2,\"type\":105}");
        assertEquals(9_413_402, progress.snapshot().bytes());
        progress.accept("@nix {\"action\":\"stop\",\"id\":2}");
        progress.accept("@nix {\"action\":\"stop\",\"id\":1}");
        assertEquals(16_000_112, progress.snapshot().bytes());
    }

    @Test
    void theLastBytesOfEachPathCount() {
        var progress = new Progress();
        int paths = 2_500;
        for (int id = 1; id <= paths; id++) {
            progress.accept(
                    "@nix {\"action\":\"start\",\"id\":" + id + ",\"text\":\"\",\"type\":100}");
            for (int bytes : new int[] {5, 0, 120, 300}) {
                progress.accept(
                        "@nix {\"action\":\"result\",\"fields\":["
                                + bytes
                                + ",300,0,0],\"id\":"
                                + id
                                + ",\"type\":105}");
            }
        }
        for (int id = 2; id <= paths; id += 2) {
            progress.accept("@nix {\"action\":\"stop\",\"id\":" + id + "}");
        }
        assertEquals(300L * paths, progress.snapshot().bytes());
    }

    @Test
    void anyActionMayLookLikeProgress() {
        var progress = new Progress();
        progress.accept("@nix {\"action\":\"start\",\"id\":1,\"text\":\"\",\"type\":100}");
        for (int more = 0; more < 20; more++) {
            progress.accept(
                    "@nix {\"action\":\"stop\",\"id\":1,\"more\":" + more + ",\"type\":105}");
        }
        progress.accept("@nix {\"action\":\"result\",\"fields\":[7,9,0,0],\"id\":1,\"type\":105}");
        assertEquals(1, progress.snapshot().paths());
    }

    @Test
    void anErrorIsNixsTextWithoutColours() throws IOException {
        recorded("missing-2.8.0.log").forEach(progress);
        assertEquals(
                "error: path '/nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-hello' is required,"
                        + " but there is no substituter that can build it",
                progress.complaint());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "@nix {\"action\":\"start\",\"id\":1,",
                "@nix ",
                "@nix null",
                "@nix []",
                "@nix {\"action\":[]}",
                "@nix {\"action\":\"start\",\"id\":\"x\"}",
                "@nix {\"action\":\"result\",\"fields\":[1e999],\"id\":1,\"type\":105}",
                "@nix {\"action\":\"msg\",\"level\":0,\"msg\":null}",
                "@nix {\"action\":\"msg\",\"level\":99999999999,\"msg\":\"x\"}",
                "@nix \u0000\u0001",
            })
    void aLineThatIsNotOfTheFormatIsKeptAsPlainOutput(String line) {
        progress.accept(line);
        assertEquals(Text.clean(line).strip(), progress.complaint().strip());
        assertEquals(new Progress.Snapshot(0, 0, 0, 0), progress.snapshot());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "@nix {}",
                "@nix {\"action\":\"dance\",\"id\":1}",
                "@nix {\"action\":\"stop\",\"id\":77}",
                "@nix {\"action\":\"result\",\"id\":77,\"type\":105}",
                "@nix {\"action\":\"result\",\"fields\":[1],\"id\":77,\"type\":105}",
                "@nix {\"action\":\"result\",\"fields\":[\"a\",{\"b\":[]}],\"id\":77,\"type\":106}",
                "@nix {\"action\":\"start\",\"id\":1,\"type\":103,\"text\":\"copying many paths\"}",
                "@nix {\"new\":{\"deep\":[1,2,{\"er\":null}]},\"action\":\"start\",\"id\":1}",
            })
    void unknownMessagesAreIgnored(String line) {
        progress.accept(line);
        assertEquals("", progress.complaint());
        assertEquals(new Progress.Snapshot(0, 0, 0, 0), progress.snapshot());
    }

    @Test
    void theErrorTextHasNoTerminalEscapesOrControlCharacters() {
        progress.accept("\u001b[31mred\u001b[0m \u001b]0;title\u0007bell\u0007 \u202egnp.exe");
        assertEquals("red bell? ?gnp.exe", progress.complaint());
        progress.accept("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\u001b[1mno\\u001b[2J\"}");
        assertTrue(progress.complaint().startsWith("no"), progress::complaint);
        assertTrue(progress.complaint().chars().noneMatch(c -> c < ' ' && c != '\n'));
    }

    @Test
    void warningsAreNotErrors() {
        progress.accept("@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"warning: dirty\"}");
        assertEquals("", progress.complaint());
    }

    @Test
    void memoryIsBoundedForAnyOutput() {
        for (int i = 0; i < 200_000; i++) {
            progress.accept("@nix {\"action\":\"start\",\"id\":" + i + ",\"type\":100}");
            progress.accept(
                    "@nix {\"action\":\"result\",\"fields\":[1,2],\"id\":" + i + ",\"type\":105}");
        }
        assertEquals(10_000, progress.snapshot().bytes());
        for (int i = 0; i < 1_000; i++) {
            progress.accept("x".repeat(60_000));
        }
        assertTrue(progress.complaint().length() < 100_000);
    }

    @Test
    void randomDamageNeverThrows() throws IOException {
        var random = new Random(42);
        List<String> lines = recorded("copy-2.26.3.log");
        for (int i = 0; i < 20_000; i++) {
            var line = new StringBuilder(lines.get(random.nextInt(lines.size())));
            for (int n = random.nextInt(4); n >= 0; n--) {
                int at = random.nextInt(line.length());
                switch (random.nextInt(3)) {
                    case 0 -> line.setCharAt(at, (char) random.nextInt(300));
                    case 1 -> line.insert(at, "{[\"}],:9".charAt(random.nextInt(8)));
                    default -> line.setLength(at + 1);
                }
            }
            progress.accept(line.toString());
        }
        assertTrue(progress.complaint().length() < 100_000);
    }

    private static List<String> recorded(String name) throws IOException {
        try (InputStream stream =
                Objects.requireNonNull(ProgressTest.class.getResourceAsStream(name), name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }
}
