package hookqueue.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys made by {@code nix key generate-secret} of Nix 2.8, and broken ones. */
class SecretKeyTest {
    private static final String SECRET =
            "/VaaYO3bkLtP6+F5q1aoRHrGeSFIXzr4Guvynwo2NYBC++B8gFdYy6UanycfFguWnCxJCrfJH0+mLvij26YcZA==";
    private static final String PUBLIC = "QvvgfIBXWMulGp8nHxYLlpwsSQq3yR9Ppi74o9umHGQ=";

    @Test
    void publicHalfIsTheSecondHalf() {
        assertEquals(
                new SecretKey("test-1", "test-1:" + PUBLIC), SecretKey.parse("test-1:" + SECRET));
        assertEquals("a b", SecretKey.parse("a b:" + SECRET + "\n").name());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "nonsense ~ it is not NAME:BASE64",
                ":" + SECRET + " ~ it is not NAME:BASE64",
                "test-1:?? ~ the text after the colon is not Base64",
                "test-1:" + PUBLIC + " ~ it is a public key",
                "test-1:AAAA ~ it has 3 bytes, not 64"
            })
    void mistakeIsNamedWithoutShowingTheKey(String content, String mistake) {
        var thrown = assertThrows(IllegalArgumentException.class, () -> SecretKey.parse(content));
        assertEquals(mistake, thrown.getMessage());
    }

    @Test
    void halvesOfDifferentKeysAreRejected() {
        byte[] bytes = Base64.getDecoder().decode(SECRET);
        bytes[0] ^= 1;
        String other = "test-1:" + Base64.getEncoder().encodeToString(bytes);
        var thrown = assertThrows(IllegalArgumentException.class, () -> SecretKey.parse(other));
        assertEquals("its two halves do not belong together", thrown.getMessage());
        assertFalse(String.valueOf(thrown.getMessage()).contains(other.substring(10, 20)));
        bytes[40] ^= 1; // no point of the curve, or another one
        String broken = "test-1:" + Base64.getEncoder().encodeToString(bytes);
        assertTrue(
                String.valueOf(
                                assertThrows(
                                                IllegalArgumentException.class,
                                                () -> SecretKey.parse(broken))
                                        .getMessage())
                        .startsWith("its two halves"));
    }
}
