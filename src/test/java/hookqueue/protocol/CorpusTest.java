package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Replays the corpus of {@code ./dev fuzz}, whose inputs each reach different code, and random
 * mixtures of them.
 */
class CorpusTest {
    private static final Path CORPUS = Path.of("src/test/resources/corpus");

    @Test
    void everyLineIsParsedOrRefusedWithAReason() throws IOException {
        run("request", RequestFuzz::fuzzerTestOneInput, 20_000);
    }

    @Test
    void linesAreTheSameHoweverTheBytesAreSplit() throws IOException {
        run("lines", LineReaderFuzz::fuzzerTestOneInput, 2_000);
    }

    @Test
    void eachLineGetsOneReply() throws IOException {
        run("session", SessionFuzz::fuzzerTestOneInput, 1_000);
    }

    private static void run(String name, Consumer<byte[]> target, int more) throws IOException {
        List<byte[]> kept;
        try (var files = Files.list(CORPUS.resolve(name))) {
            kept = files.sorted().map(CorpusTest::content).toList();
        }
        assertTrue(kept.size() >= 10, () -> "only " + kept.size() + " inputs for " + name);
        kept.forEach(input -> check(target, input));
        var random = new Random(kept.size());
        for (int i = 0; i < more; i++) {
            check(target, mixed(kept, random));
        }
    }

    private static void check(Consumer<byte[]> target, byte[] input) {
        try {
            target.accept(input);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("with the input " + Arrays.toString(input), e);
        }
    }

    /** The beginning of one input and the end of another, with some bytes changed. */
    private static byte[] mixed(List<byte[]> kept, Random random) {
        byte[] one = kept.get(random.nextInt(kept.size()));
        byte[] other = kept.get(random.nextInt(kept.size()));
        int head = random.nextInt(one.length + 1);
        int tail = random.nextInt(other.length + 1);
        byte[] mixed = Arrays.copyOf(one, head + tail);
        System.arraycopy(other, other.length - tail, mixed, head, tail);
        for (int i = random.nextInt(4); i > 0 && mixed.length > 0; i--) {
            mixed[random.nextInt(mixed.length)] = (byte) random.nextInt(256);
        }
        return mixed;
    }

    private static byte[] content(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
