package hookqueue.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "7, 7000",
        "500ms, 500",
        "30s, 30000",
        "10min, 600000",
        "2h, 7200000",
        "30d, 2592000000",
        "36500d, 3153600000000",
        "3153600000000ms, 3153600000000",
        "007s, 7000",
    })
    void readsWholeNumbersWithAUnit(String text, long millis) {
        assertEquals(Duration.ofMillis(millis), Durations.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "s",
                "-1s",
                "+1s",
                "1.5s",
                "1 s",
                " 1s",
                "1s ",
                "1m",
                "1S",
                "1hour",
                "1h30min",
                "٣s",
                "1234567890123456s",
                "0x10s"
            })
    void refusesOtherTexts(String text) {
        var e = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
        assertEquals(
                "not a duration (a whole number with one of the units ms, s, min, h, d, or bare for"
                        + " seconds): "
                        + text,
                e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"36501d", "876001h", "52560001min", "999999999999999", "3153600000001ms"})
    void refusesMoreThanAHundredYears(String text) {
        var e = assertThrows(IllegalArgumentException.class, () -> Durations.parse(text));
        assertEquals("a duration longer than 36500d: " + text, e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0ms",
        "999, 999ms",
        "1000, 1.0s",
        "9999, 10.0s",
        "10000, 10s",
        "59999, 59s",
        "60000, 1min",
        "61000, 1min 1s",
        "3599000, 59min 59s",
        "3600000, 1h",
        "3659000, 1h",
        "3660000, 1h 1min",
        "86399000, 23h 59min",
        "86400000, 1d",
        "90000000, 1d 1h",
        "2592000000, 30d",
    })
    void showsTheTwoLargestUnits(long millis, String shown) {
        assertEquals(shown, Durations.shown(Duration.ofMillis(millis)));
    }
}
