package hookqueue.base;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "999, 999 B",
        "1000, 1.0 kB",
        "9949, 9.9 kB",
        "9950, 10 kB",
        "118000000, 118 MB",
        "999499, 999 kB",
        "999500, 1.0 MB",
        "1500000000, 1.5 GB",
        "2000000000000, 2.0 TB",
        "5000000000000000, 5000 TB",
    })
    void showsTwoOrThreeDigitsInDecimalUnits(long bytes, String shown) {
        assertEquals(shown, Sizes.shown(bytes));
    }
}
