package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTest {
    private static final String STORE = "/nix/store";
    private static final StorePath A = new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-a");
    private static final StorePath B = new StorePath("8hx47qyrz4065viqzzhdqi5jixgjys0z-b");
    private static final String PA = A.in(STORE);
    private static final String PB = B.in(STORE);
    private static final String TAG_RULE =
            "not a tag (1 to 100 of A-Z a-z 0-9 . _ : / @ + -, a letter or digit first): ";

    static Stream<Arguments> everyWord() {
        return Stream.of(
                Arguments.of(PA, new Request.Enqueue(List.of(A), List.of(), null)),
                Arguments.of(
                        "  " + PA + " \t" + PB + " \r",
                        new Request.Enqueue(List.of(A, B), List.of(), null)),
                Arguments.of(PA + " " + PA, new Request.Enqueue(List.of(A, A), List.of(), null)),
                Arguments.of("", new Request.Enqueue(List.of(), List.of(), null)),
                Arguments.of(" \t\r", new Request.Enqueue(List.of(), List.of(), null)),
                Arguments.of("queue " + PA, new Request.Enqueue(List.of(A), List.of(), null)),
                Arguments.of(
                        "queue tag=ci/42:x@y+z-_. " + PA + " " + PB,
                        new Request.Enqueue(List.of(A, B), List.of(), "ci/42:x@y+z-_.")),
                Arguments.of("status", new Request.Status(false)),
                Arguments.of("status json", new Request.Status(true)),
                Arguments.of("list", new Request.Listing(false)),
                Arguments.of("list json\r", new Request.Listing(true)),
                Arguments.of("failed", new Request.Failures(false)),
                Arguments.of("failed json", new Request.Failures(true)),
                Arguments.of("wait", new Request.Wait(null, null, List.of())),
                Arguments.of(
                        "wait timeout=2min",
                        new Request.Wait(Duration.ofMinutes(2), null, List.of())),
                Arguments.of("wait tag=T", new Request.Wait(null, "T", List.of())),
                Arguments.of(
                        "wait timeout=5 " + PA + " " + PB,
                        new Request.Wait(Duration.ofSeconds(5), null, List.of(A, B))),
                Arguments.of("watch", new Request.Watch(Request.Watch.Form.TEXT)),
                Arguments.of("watch json", new Request.Watch(Request.Watch.Form.JSON)),
                Arguments.of("watch bars", new Request.Watch(Request.Watch.Form.BARS)),
                Arguments.of(
                        "watch bars 100x30",
                        new Request.Watch(
                                Request.Watch.Form.BARS, new Request.Screen(100, 30, ""))),
                Arguments.of(
                        "watch bars 5x9999 1,2,3",
                        new Request.Watch(
                                Request.Watch.Form.BARS, new Request.Screen(20, 1_000, "1,2,3"))),
                Arguments.of("retry", new Request.Retry(List.of())),
                Arguments.of("retry " + PA, new Request.Retry(List.of(A))),
                Arguments.of("history", new Request.History(false, List.of())),
                Arguments.of("history json " + PA, new Request.History(true, List.of(A))),
                Arguments.of("check", new Request.Check(false)),
                Arguments.of("check --upload", new Request.Check(true)),
                Arguments.of("check upload", new Request.Check(true)),
                Arguments.of("verify", new Request.Verify(List.of())),
                Arguments.of("verify " + PA, new Request.Verify(List.of(A))),
                Arguments.of("drop " + PA + " " + PB, new Request.Drop(List.of(A, B))),
                Arguments.of(
                        "drop destination=ssh://b?x=y", new Request.DropDestination("ssh://b?x=y")),
                Arguments.of("pause", new Request.Pause(null)),
                Arguments.of("pause 1h", new Request.Pause(Duration.ofHours(1))),
                Arguments.of("resume", new Request.Resume()),
                Arguments.of("explain " + PA, new Request.Explain(A)),
                Arguments.of("metrics", new Request.Metrics()),
                Arguments.of("reload", new Request.Reload()),
                Arguments.of("help", new Request.Help()),
                Arguments.of("version", new Request.Version()));
    }

    @ParameterizedTest
    @MethodSource("everyWord")
    void parsesEveryWordOfTheProtocol(String line, Request expected) {
        assertEquals(expected, Request.parse(STORE, line));
    }

    /** Finds words that only the parser or only the help has. */
    @Test
    void theHelpHasEveryWord() throws IOException {
        Set<String> parsed =
                everyWord()
                        .map(arguments -> ((String) arguments.get()[0]).strip().split("[ \t\r]")[0])
                        .filter(word -> word.matches("[a-z]+"))
                        .collect(Collectors.toSet());
        Set<String> helped =
                Help.lines().stream()
                        .map(line -> line.split(" ", 2)[0])
                        .collect(Collectors.toSet());
        helped.remove("PATH");
        assertEquals(parsed, helped);
        for (String word : helped) {
            assertFalse(
                    Request.parse(STORE, word) instanceof Request.Bad bad
                            && bad.reason().startsWith("neither a store path"),
                    word);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "--help ~ neither a store path nor a word of this protocol (see help): --help",
                "Status ~ neither a store path nor a word of this protocol (see help): Status",
                "nix/store ~ neither a store path nor a word of this protocol (see help): nix/store",
                "check it ~ check takes nothing or --upload, not: it",
                "status xml ~ status takes nothing or json, not: xml",
                "list json json ~ list takes nothing or json, not: json json",
                "failed now ~ failed takes nothing or json, not: now",
                "watch me ~ watch takes nothing, json or bars, not: me",
                "watch bars now ~ watch bars takes COLUMNSxROWS and where it began, not: now",
                "watch bars 1x2 3 4 ~ watch bars takes COLUMNSxROWS and where it began, not: 1x2 3 4",
                "pause 1h now ~ pause takes nothing or a duration, not: 1h now",
                "pause 0s ~ pause takes a duration longer than 0",
                "pause soon ~ not a duration (a whole number with one of the units ms, s,"
                        + " min, h, d, or bare for seconds): soon",
                "resume x ~ resume takes nothing, not: x",
                "metrics x ~ metrics takes nothing, not: x",
                "help me please ~ help takes nothing, not: me please",
                "version 2 ~ version takes nothing, not: 2",
                "queue ~ queue takes at least one path: queue [tag=T] PATH…",
                "queue tag=a ~ queue takes at least one path: queue [tag=T] PATH…",
                "drop ~ drop takes paths or a destination: drop PATH… or drop destination=NAME",
                "drop destination= ~ drop takes one destination and nothing else: drop destination=NAME, not: destination=",
                "drop destination=a b ~ drop takes one destination and nothing else: drop destination=NAME, not: destination=a b",
                "explain ~ explain takes one path: explain PATH",
                "explain /nix/store/a /nix/store/b ~ explain takes one path: explain PATH",
                "explain x ~ not a store path (outside /nix/store): x",
                "retry x ~ not a store path (outside /nix/store): x",
                "drop /nix/store/x ~ not a store path (no <hash>-<name>): x",
                "wait x ~ not a store path (outside /nix/store): x",
                "wait timeout=soon ~ not a duration (a whole number with one of the units ms, s,"
                        + " min, h, d, or bare for seconds): soon",
                "wait tag=a /nix/store/7hx47qyrz4065viqzzhdqi5jixgjys0z-a ~ wait takes a tag or"
                        + " paths, not both: wait [timeout=D] [tag=T | PATH…]",
            })
    void refusesWithTheRuleAndTheValue(String line, String reason) {
        assertEquals(new Request.Bad(reason), Request.parse(STORE, line));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-a", ".a", "a=b", "ä", "\033[2J"})
    void refusesOtherTags(String tag) {
        assertEquals(
                new Request.Bad(TAG_RULE + Text.quoted(tag)),
                Request.parse(STORE, "queue tag=" + tag + " " + PA));
        assertEquals(
                new Request.Bad(TAG_RULE + Text.quoted(tag)),
                Request.parse(STORE, "wait tag=" + tag));
    }

    @Test
    void takesATagOf100CharactersAndNoLongerOne() {
        String longest = "t".repeat(100);
        assertEquals(
                new Request.Wait(null, longest, List.of()),
                Request.parse(STORE, "wait tag=" + longest));
        assertInstanceOf(Request.Bad.class, Request.parse(STORE, "wait tag=" + longest + "t"));
    }

    @Test
    void acceptsTheGoodPathsOfALineAndNamesTheBadOnes() {
        assertEquals(
                new Request.Enqueue(
                        List.of(A, B),
                        List.of(
                                "not a store path (outside /nix/store): /etc/passwd",
                                "not a store path (outside /nix/store): --help",
                                "not a store path (the hash has a character outside Nix's base 32):"
                                        + " ehx47qyrz4065viqzzhdqi5jixgjys0z-a"),
                        null),
                Request.parse(
                        STORE,
                        PA
                                + " /etc/passwd --help "
                                + PB
                                + " /nix/store/ehx47qyrz4065viqzzhdqi5jixgjys0z-a"));
    }

    /** Half a million words would take fifty times the line's size in memory. */
    @Test
    void aLineWithTooManyWordsIsNotParsed() {
        for (String verb : List.of("", "queue ", "wait ", "nonsense ")) {
            assertEquals(
                    new Request.Bad(
                            "more words than a line of paths can have; nothing of it was queued"),
                    Request.parse(STORE, verb + "/ ".repeat(1 << 19)));
        }
        assertInstanceOf(
                Request.Enqueue.class, Request.parse(STORE, "/ ".repeat(114)), "100 + 228 / 16");
        assertInstanceOf(Request.Bad.class, Request.parse(STORE, "/ ".repeat(115)));
        assertEquals(
                23_000,
                ((Request.Enqueue) Request.parse(STORE, (PA + " ").repeat(23_000))).paths().size(),
                "all the paths that a line can have");
    }

    @Test
    void onlyTheFirstHundredBadPathsAreExplainedButAllAreCounted() {
        String line = "/" + "x".repeat(40) + " ";
        List<String> refused =
                ((Request.Enqueue) Request.parse(STORE, line.repeat(20_000))).refused();
        assertEquals(20_000, refused.size());
        assertEquals(100, refused.stream().filter(reason -> !reason.isEmpty()).count());
    }

    @Test
    void aPathWithNulBytesIsRefusedAndShownWithoutThem() {
        assertEquals(
                new Request.Enqueue(
                        List.of(),
                        List.of(
                                "not a store path (the name has a character outside"
                                        + " [0-9a-zA-Z+._?=-]): "
                                        + A
                                        + "?"),
                        null),
                Request.parse(STORE, PA + "\0"));
    }

    @Test
    void honoursAnotherStoreDirectory() {
        assertEquals(
                new Request.Enqueue(List.of(A), List.of(), null),
                Request.parse("/other/store", "/other/store/" + A));
        assertEquals(
                new Request.Enqueue(
                        List.of(), List.of("not a store path (outside /other/store): " + PA), null),
                Request.parse("/other/store", PA));
    }

    /** Random bytes: no exception, and no reply that could break the protocol. */
    @Test
    void hostileBytesNeverThrowAndNeverReachATerminal() {
        long seed = Long.getLong("hookqueue.seed", 20_260_101);
        var random = new Random(seed);
        String[] seeds = {
            PA, "queue tag=x " + PA, "wait timeout=1s", "status json", "drop " + PB, "explain ", "/"
        };
        for (int i = 0; i < 50_000; i++) {
            byte[] bytes = seeds[random.nextInt(seeds.length)].getBytes(StandardCharsets.UTF_8);
            for (int changes = random.nextInt(6); changes > 0; changes--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            String line = new String(bytes, StandardCharsets.UTF_8).replace("\n", "");
            Request request = Request.parse(STORE, line);
            assertNotNull(request, () -> "seed " + seed + ": " + line);
            List<String> texts =
                    switch (request) {
                        case Request.Bad bad -> List.of(bad.reason());
                        case Request.Enqueue enqueue -> enqueue.refused();
                        default -> List.of();
                    };
            for (String text : texts) {
                assertTrue(
                        text.chars().noneMatch(c -> c < ' ' || (c >= 0x7f && c < 0xa0)),
                        () -> "seed " + seed + ": " + line);
            }
        }
    }
}
