package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutputLinesTest {
    private static final int LONGEST = 64 * 1024;

    private final List<String> lines = new ArrayList<>();
    private final OutputLines output = new OutputLines(lines::add);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 100})
    void linesAreTheSameHoweverTheyArrive(int size) {
        String text = "first\n\nä second\r\n" + "x".repeat(3_000) + "\nlast";
        take(text, size);
        output.finish();
        assertEquals(List.of("first", "", "ä second\r", "x".repeat(3_000), "last"), lines);
    }

    @ParameterizedTest
    @ValueSource(ints = {8_192, 200_000})
    void theRestOfALongLineIsDropped(int size) {
        take("y".repeat(LONGEST + 5_000) + "\nnext\n", size);
        assertEquals(List.of("y".repeat(LONGEST), "next"), lines);
    }

    @Test
    void nothingFollowsALineEnd() {
        take("only\n", 100);
        output.finish();
        assertEquals(List.of("only"), lines);
    }

    private void take(String text, int size) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i += size) {
            byte[] some = Arrays.copyOfRange(bytes, i, Math.min(bytes.length, i + size));
            output.take(Arrays.copyOf(some, some.length + 3), some.length);
        }
    }
}
