package hookqueue.base;

import static hookqueue.base.SomePaths.path;
import static hookqueue.base.SomePaths.rule;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Filters from the operator, applied to untrusted names. */
class FilterTest {
    private static final String HASH = "7hx47qyrz4065viqzzhdqi5jixgjys0z-";

    private static StorePath named(String name) {
        return new StorePath(HASH + name);
    }

    @ParameterizedTest
    @CsvSource({
        "'',       '',      hello-2.12, true",
        "^hello,   '',      hello-2.12, true",
        "^hello,   '',      othello,    false",
        "'',       -doc$,   hello-doc,  false",
        "'',       -doc$,   hello-docs, true",
        "hello,    2[.]12$, hello-2.12, false",
        "^7hx47,   '',      hello-2.12, false",
    })
    void acceptsNamesThatMatchIncludeAndNotExclude(
            String include, String exclude, String name, boolean taken) {
        var filter = new Filter(optional(include), optional(exclude));
        assertEquals(taken, filter.test(named(name)));
        assertEquals(
                taken,
                filter.reason(named(name)).contains("the filters match")
                        || filter.reason(named(name)).equals("no filter is set"));
    }

    private static Filter.Rule optional(String text) {
        return text.isEmpty() ? null : rule("NPBHQ_X", text);
    }

    /** The JDK handles the textbook's examples, but not these: a name has up to 211 characters. */
    @ParameterizedTest
    @ValueSource(strings = {"(.*a){30}!", "(a+)+\\1!", "(a+?)+?!", "a*a*a*a*a*a*!"})
    void aNameThatMakesTheMatchExplodeIsAcceptedSoon(String expression) {
        StorePath hostile = named("a".repeat(210) + "=");
        assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> {
                    for (int i = 0; i < 2; i++) {
                        assertTrue(
                                new Filter(rule("I", expression), null).test(hostile), "included");
                        assertTrue(
                                new Filter(null, rule("E", expression)).test(hostile),
                                "not excluded");
                        assertEquals(
                                "the filters match",
                                new Filter(rule("I", expression), null).reason(hostile));
                    }
                });
    }

    @Test
    void ordinaryExpressionsNeverHitTheStepLimit() {
        StorePath longest = named("a".repeat(211));
        assertFalse(new Filter(rule("I", "a.*b|.*c.*d"), null).test(longest));
        assertFalse(new Filter(null, rule("E", "(a{3})*a$")).test(longest));
    }

    @Test
    void theReasonNamesTheFilterThatDecides() {
        var filter = new Filter(rule("NPBHQ_INCLUDE_a", "p[0-4]$"), rule("NPBHQ_EXCLUDE", "p3"));
        assertTrue(filter.reason(path(3)).startsWith("NPBHQ_EXCLUDE matches"));
        assertTrue(filter.reason(path(7)).startsWith("NPBHQ_INCLUDE_a does not match"));
        assertEquals("the filters match", filter.reason(path(2)));
        assertEquals("no filter is set", Filter.ALL.reason(path(2)));
    }
}
