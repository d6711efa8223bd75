package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackoffTest {
    @ParameterizedTest
    @CsvSource({
        "1, 5000",
        "2, 10000",
        "3, 20000",
        "4, 40000",
        "7, 320000",
        "8, 640000",
        "9, 900000",
        "10, 900000",
        "40, 900000",
        "2147483647, 900000",
        "0, 5000"
    })
    void delaysDoubleFromFiveSecondsToAQuarterOfAnHour(int failures, long millis) {
        assertEquals(millis, Backoff.standard(() -> 0.5).millis(failures));
    }

    @ParameterizedTest
    @CsvSource({"1, 4000, 6000", "3, 16000, 24000", "30, 720000, 1080000"})
    void delaysVaryByAtMostAFifth(int failures, long least, long most) {
        assertEquals(least, Backoff.standard(() -> 0).millis(failures));
        assertEquals(most, Backoff.standard(() -> 1).millis(failures));
    }

    @Test
    void noDelayIsLongerThanTheLongest() {
        var backoff = Backoff.standard(new Random(7)::nextDouble);
        for (int failures = 1; failures < 1_000; failures++) {
            assertTrue(backoff.millis(failures) <= backoff.longestMillis());
        }
        assertTrue(Backoff.standard(() -> 1).millis(100) <= backoff.longestMillis());
    }
}
