package hookqueue.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StorePathTest {
    private static final String HASH = "7hx47qyrz4065viqzzhdqi5jixgjys0z";
    private static final String OUTSIDE = "not a store path (outside /nix/store): ";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hello-2.12",
                "a",
                ".hidden",
                "...",
                "..a",
                "-",
                "A+b._?=c",
                "0123456789abcdefghijklmnopqrstuvwxyz",
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
            })
    void acceptsNamesThatNixAccepts(String name) {
        StorePath path = StorePath.parse("/nix/store", "/nix/store/" + HASH + "-" + name);
        assertEquals(HASH + "-" + name, path.baseName());
        assertEquals(name, path.name());
        assertEquals("/other/" + HASH + "-" + name, path.in("/other"));
        assertEquals(path.baseName(), path.toString());
    }

    @Test
    void takesANameOf211CharactersAndNoLongerOne() {
        assertEquals(211, new StorePath(HASH + "-" + "n".repeat(211)).name().length());
        assertRefused(
                "the name is longer than 211 characters",
                "/nix/store/" + HASH + "-" + "n".repeat(212));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "--help",
                "/nix/store",
                "/nix/store/",
                "/nix/storex/7hx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "/gnu/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "//nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-a"
            })
    void refusesPathsOutsideTheStore(String text) {
        var e =
                assertThrows(
                        IllegalArgumentException.class, () -> StorePath.parse("/nix/store", text));
        assertEquals(OUTSIDE + text, e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "no <hash>-<name> | x",
                "no <hash>-<name> | 7hx47qyrz4065viqzzhdqi5jixgjys0z",
                "no <hash>-<name> | 7hx47qyrz4065viqzzhdqi5jixgjys0z-",
                "no <hash>-<name> | 7hx47qyrz4065viqzzhdqi5jixgjys0zz-a",
                "no <hash>-<name> | 7hx47qyrz4065viqzzhdqi5jixgjys0-aa",
                "no <hash>-<name> | ../../etc/passwd",
                "the hash has a character outside Nix's base 32 | ehx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "the hash has a character outside Nix's base 32 | ohx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "the hash has a character outside Nix's base 32 | 7tx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "the hash has a character outside Nix's base 32 | 7hx47qyrz4065viqzzhdqi5jixgjys0u-a",
                "the hash has a character outside Nix's base 32 | 7Hx47qyrz4065viqzzhdqi5jixgjys0z-a",
                "the hash has a character outside Nix's base 32 | 7/x47qyrz4065viqzzhdqi5jixgjys0z-a",
                "the name has a character outside [0-9a-zA-Z+._?=-] | 7hx47qyrz4065viqzzhdqi5jixgjys0z-a/b",
                "the name has a character outside [0-9a-zA-Z+._?=-] | 7hx47qyrz4065viqzzhdqi5jixgjys0z-a b",
                "the name has a character outside [0-9a-zA-Z+._?=-] | 7hx47qyrz4065viqzzhdqi5jixgjys0z-a;b",
                "the name has a character outside [0-9a-zA-Z+._?=-] | 7hx47qyrz4065viqzzhdqi5jixgjys0z-$(id)",
                "the name has a character outside [0-9a-zA-Z+._?=-] | 7hx47qyrz4065viqzzhdqi5jixgjys0z-a!",
                "the name is or begins with a dot component | 7hx47qyrz4065viqzzhdqi5jixgjys0z-.",
                "the name is or begins with a dot component | 7hx47qyrz4065viqzzhdqi5jixgjys0z-..",
                "the name is or begins with a dot component | 7hx47qyrz4065viqzzhdqi5jixgjys0z-.-a",
                "the name is or begins with a dot component | 7hx47qyrz4065viqzzhdqi5jixgjys0z-..-a",
            })
    void namesTheBrokenRule(String rule, String base) {
        assertRefused(rule, "/nix/store/" + base);
    }

    @Test
    void sanitizedTextHasNoControlOrInvisibleCharacters() {
        assertEquals("a?b?c?d?e", Text.quoted("a\0b\033c\u009bd\u202ee"));
        assertEquals("??x??", Text.quoted("\r\nx\u2028\u200b"));
        assertEquals("\ud83d\ude00?", Text.quoted("\ud83d\ude00\ud83d"), "half a pair");
        assertEquals("é", Text.quoted("é"));
        assertEquals(" ~??\u00a0", Text.quoted(" ~\u007f\u0080\u00a0"));
    }

    @Test
    void sanitizedTextIsNotLongerThanALine() {
        assertEquals("x".repeat(120), Text.quoted("x".repeat(120)));
        assertEquals("x".repeat(120) + "… (121 characters)", Text.quoted("x".repeat(121)));
        assertTrue(Text.quoted("\u202e".repeat(1 << 20)).length() < 150);
    }

    @Test
    void refusalsAreSafeToPrint() {
        var e =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> StorePath.parse("/nix/store", "\033[2J\007"));
        assertEquals(OUTSIDE + "?[2J?", e.getMessage());
    }

    private static void assertRefused(String rule, String text) {
        var e =
                assertThrows(
                        IllegalArgumentException.class, () -> StorePath.parse("/nix/store", text));
        assertEquals(
                "not a store path ("
                        + rule
                        + "): "
                        + Text.quoted(text.substring("/nix/store/".length())),
                e.getMessage());
    }
}
