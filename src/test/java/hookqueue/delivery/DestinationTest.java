package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.Text;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DestinationTest {
    @ParameterizedTest
    @CsvSource({
        "ssh://cache,                  SSH://Cache/",
        "ssh://cache,                  ssh://cache:22",
        "ssh-ng://root@cache,          ssh-ng://root@CACHE/",
        "https://cache/x,              https://cache:443//x/",
        "http://cache,                 http://cache:80/",
        "s3://bucket?a=1&b=2,          s3://bucket?b=2&a=1",
        "file:///var/cache,            file:///var//cache/",
        "https://me:one@cache,         https://me:two@cache",
        "exec:/bin/push,               exec:/bin//push",
        "ssh://build_cache,            ssh://BUILD_CACHE/",
    })
    void twoSpellingsOfOneDestinationAreOne(String one, String other) {
        assertEquals(identity(one), identity(other));
    }

    @ParameterizedTest
    @CsvSource({
        "ssh://cache,                  ssh-ng://cache",
        "ssh://cache,                  ssh://cache:2222",
        "ssh://root@cache,             ssh://nix@cache",
        "ssh://build_one,              ssh://build_two",
        "ssh://root@build_one,         ssh://nix@build_one",
        "s3://bucket?region=a,         s3://bucket?region=b",
        "s3://Bucket/A,                s3://bucket/a",
        "file:///a,                    file:///b",
        "file:///a,                    /a",
        "daemon,                       local",
        "exec:/bin/push,               exec:/bin/Push",
        "http://[::1]:8080,            http://[::2]:8080",
    })
    void possiblyDifferentDestinationsStayDistinct(String one, String other) {
        assertNotEquals(identity(one), identity(other));
    }

    @ParameterizedTest
    @CsvSource({
        "ssh://cache?max-connections=4, true",
        "mine=ssh://cache?max-connections=4, true",
        "ssh-ng://cache?compress=true&max-connections=4, true",
        "ssh://cache, false",
        "http://cache?max-connections=4, false",
        "exec:/bin/max-connections=, false",
    })
    void aUrlParameterThatHangsOldNixIsDetected(String url, boolean hangs) {
        assertEquals(hangs, Destination.parse(url).mayHangNix());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache", "ssh:cache", "exec:push", "exec:", "-ssh://cache", "./x", ""})
    void anInvalidDestinationIsRefusedByName(String word) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> Destination.parse(word));
        assertTrue(refusal.getMessage().endsWith(word), refusal.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "https://me:secret@cache/x,    https://me:***@cache/x",
        "https://me@cache/x,           https://me@cache/x",
        "ssh://cache:22/a:b@c,         ssh://cache:22/a:b@c",
        "http://:secret@cache,         http://:***@cache",
        "https://me:pass/word@cache/x, https://me:***@cache/x",
        "https://me:1234@cache/x,      https://me:***@cache/x",
    })
    void aPasswordIsNotPartOfTheName(String url, String name) {
        assertEquals(name, Destination.parse(url).name());
    }

    @Test
    void aNameBeforeTheUrlIsNotPartOfTheUrl() {
        assertEquals(
                new Destination.Named(
                        "my_cache2", new Destination.Store("https://me:secret@cache/x?a=b")),
                Destination.parse("my_cache2=https://me:secret@cache/x?a=b"));
        assertEquals(400, Destination.parse("x=exec:/bin/x").mostAtOnce());
        assertEquals("ssh://a?x=y", Destination.parse("ssh://a?x=y").name(), "a URL may have one");
        for (String word :
                List.of(
                        "My=ssh://a",
                        "1a=ssh://a",
                        "a-b=ssh://a",
                        "=ssh://a",
                        "a=b=ssh://a",
                        "a".repeat(33) + "=ssh://a",
                        "sign=ssh://a",
                        "a=")) {
            assertThrows(IllegalArgumentException.class, () -> Destination.parse(word), word);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ssh://cache", "s3://bucket?region=x", "daemon", "local?root=/x", "/x"})
    void nixGetsTheUrlExactlyAsInTheSettings(String word) {
        assertEquals(
                word, assertInstanceOf(Destination.Store.class, Destination.parse(word)).url());
    }

    @ParameterizedTest
    @CsvSource({
        "error: cannot reach 'https://me:hunter2@cache/x',   error: cannot reach 'https://me:***@cache/x'",
        "https://a:hun@ter2@b https://c:hunter2@d,           https://a:***@b https://c:***@d",
        "at ssh://cache:22/ said me@cache,                   at ssh://cache:22/ said me@cache",
    })
    void aPasswordIsNotPartOfAnErrorText(String said, String shown) {
        assertEquals(shown, Destination.withoutPasswords(said));
    }

    @Test
    void passwordsInALongErrorTextAreMaskedQuickly() {
        String said = "error: https://me:hunter2@cache " + "://:".repeat(16_000);
        assertTimeoutPreemptively(
                Duration.ofSeconds(10),
                () -> {
                    for (int i = 0; i < 20; i++) { // the log has up to 200 lines of a program
                        String shown = DeliveryChild.cut(said);
                        assertTrue(shown.startsWith("error: https://me:***@cache ://:"), shown);
                        assertEquals(1_501, shown.length());
                    }
                });
    }

    @Test
    void aDestinationHasNoTerminalEscapes() {
        for (String bad : List.of("\u001b[2J", "\u0007", "\u009b2J", "\u202e", "\r", "\n")) {
            String word = "https://cache/" + bad + "x";
            String message =
                    assertThrows(IllegalArgumentException.class, () -> Destination.parse(word))
                            .getMessage();
            assertEquals(Text.clean(message), message);
        }
    }

    @ParameterizedTest
    @CsvSource({"https:/me:hunter2@cache/x, https:***@cache/x", "me:hunter2@cache, me:***@cache"})
    void aPasswordInAMistypedUrlIsNotPartOfTheError(String word, String shown) {
        String message =
                assertThrows(IllegalArgumentException.class, () -> Destination.parse(word))
                        .getMessage();
        assertTrue(message.endsWith(": " + shown), message);
    }

    private static String identity(String word) {
        return Destination.parse(word).identity();
    }
}
