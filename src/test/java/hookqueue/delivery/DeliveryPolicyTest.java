package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The policy. A script is a line a run: the paths that must be asked for, and the answer: {@code +}
 * delivered, {@code -} refused, {@code -3} refused with words that name path 3, {@code x3} path 3
 * is invalid, {@code !} unusable, {@code ~} busy, {@code %} unavailable, {@code ?} unreachable.
 * What follows {@code =>} are the verdicts: {@code d1} delivered, {@code f1} failed, {@code b1}
 * blamed and deferred, {@code p1} put off.
 */
class DeliveryPolicyTest {
    private static final long NOW = 1_000_000;
    private static final Backoff MIDDLE = Backoff.standard(() -> 0.5);

    /**
     * What is due, by number: fresh ones, never blamed ones (tries 1), blamed ones (attempts 1).
     */
    private record Due(List<Entry> fresh, List<Entry> deferred, DeliveryPolicy.Known known) {
        static Due of(int... numbers) {
            return new Due(
                    Arrays.stream(numbers).mapToObj(Paths::fresh).toList(),
                    List.of(),
                    DeliveryPolicy.Known.NOTHING);
        }

        Due putOff(int... numbers) {
            return with(numbers, 1, 0, false);
        }

        Due blamed(int... numbers) {
            return with(numbers, 0, 1, false);
        }

        Due overtaken(int... numbers) {
            return with(numbers, 0, 1, true);
        }

        Due after(int failures) {
            return new Due(fresh, deferred, new DeliveryPolicy.Known(failures, null, false));
        }

        Due knowing(int taken, boolean justNow) {
            return new Due(
                    fresh, deferred, new DeliveryPolicy.Known(0, Paths.fresh(taken), justNow));
        }

        private Due with(int[] numbers, int tries, int attempts, boolean overtaken) {
            var all = new ArrayList<>(deferred);
            for (int n : numbers) {
                all.add(new Entry(n, Paths.path(n), tries, attempts, overtaken));
            }
            return new Due(fresh, all, known);
        }
    }

    private static Arguments row(String sentence, Due due, String... script) {
        return Arguments.of(Named.of(sentence, due), List.of(script));
    }

    static Stream<Arguments> scripts() {
        return Stream.of(
                row("nothing due is a round that is over", Due.of(), "=>"),
                row("all go as one batch", Due.of(1, 2, 3), "1 2 3 + => d1 d2 d3"),
                row(
                        "after a failed batch one goes alone, then the rest, then halves",
                        Due.of(1, 2, 3, 4, 5),
                        "1 2 3 4 5 -",
                        "1 + => d1",
                        "2 3 4 5 -",
                        "2 3 + => d2 d3",
                        "4 5 -",
                        "4 - ",
                        "5 + => d5 b4"),
                row(
                        "the last one is blamed when a path that was taken is taken again",
                        Due.of(1, 2),
                        "1 2 -",
                        "1 + => d1",
                        "2 -",
                        "1 + => b2"),
                row(
                        "the last one is not blamed when the path that was taken is not taken again",
                        Due.of(1, 2),
                        "1 2 -",
                        "1 + => d1",
                        "2 -",
                        "1 - DOWN",
                        "=> p2"),
                row(
                        "what failed before the first success gets another chance, and passes",
                        Due.of(1, 2, 3),
                        "1 2 3 -",
                        "1 -",
                        "2 + => d2",
                        "3 + => d3",
                        "1 + => d1"),
                row(
                        "what failed before the first success gets another chance, and is blamed",
                        Due.of(1, 2, 3),
                        "1 2 3 -",
                        "1 -",
                        "2 + => d2",
                        "3 + => d3",
                        "1 -",
                        "3 + => b1"),
                row(
                        "three alone in a row mean down, and nobody is blamed",
                        Due.of(1, 2, 3, 4),
                        "1 2 3 4 -",
                        "1 -",
                        "2 -",
                        "3 - DOWN",
                        "=> p1 p2 p3"),
                row(
                        "three in a row are counted over rounds",
                        Due.of(3).after(2),
                        "3 - DOWN",
                        "=> p3"),
                row("one alone proves nothing", Due.of(1), "1 -", "=> p1"),
                row("two alone prove nothing", Due.of(1, 2), "1 2 -", "1 -", "2 -", "=> p1 p2"),
                row(
                        "those that the words name go last, the others together",
                        Due.of(1, 2, 3, 4),
                        "1 2 3 4 -2",
                        "1 3 4 + => d1 d3 d4",
                        "2 -",
                        "1 + => b2"),
                row(
                        "words that name all are no hint",
                        Due.of(1, 2),
                        "1 2 -1,2",
                        "1 + => d1",
                        "2 + => d2"),
                row(
                        "words are believed three times in a row, so that an outage is found",
                        Due.of(1, 2, 3, 4, 5, 6, 7, 8),
                        "1 2 3 4 5 6 7 8 -1",
                        "2 3 4 5 6 7 8 -2",
                        "3 4 5 6 7 8 -3",
                        "4 5 6 7 8 -4",
                        "4 -",
                        "5 -",
                        "6 - DOWN",
                        "=> p4 p5 p6"),
                row(
                        "an invalid path fails at once and the others go on",
                        Due.of(1, 2, 3),
                        "1 2 3 x2 => f2",
                        "1 3 + => d1 d3"),
                row("an invalid path alone fails at once", Due.of(1), "1 x1 => f1", "=>"),
                row("a busy destination is down at once", Due.of(1, 2), "1 2 ~ DOWN", "=>"),
                row("an unreachable one is down at once", Due.of(1, 2), "1 2 ? DOWN", "=>"),
                row(
                        "a path for which a full disk has no room is deferred without blame",
                        Due.of(1, 2, 3),
                        "1 2 3 %",
                        "1 + => d1",
                        "2 3 %",
                        "2 % => p2",
                        "3 + => d3"),
                row(
                        "three paths for which there is no room mean that it is down",
                        Due.of(1, 2, 3),
                        "1 2 3 %",
                        "1 % => p1",
                        "2 % => p2",
                        "3 % DOWN => p3"),
                row(
                        "a lane that cannot work is down and nothing is said of its paths",
                        Due.of(1, 2),
                        "1 2 ! DOWN",
                        "=>"),
                row(
                        "fresh ones go first, then those never blamed as one, then the blamed one by one",
                        Due.of(1, 2).putOff(3, 4).blamed(5, 6),
                        "1 2 + => d1 d2",
                        "3 4 + => d3 d4",
                        "5 + => d5",
                        "6 + => d6"),
                row(
                        "paths that failed before are no sign that the destination is down",
                        Due.of().blamed(1, 2, 3, 4, 5),
                        "1 -",
                        "2 -",
                        "3 -",
                        "=> p1 p2 p3 u4 u5"),
                row(
                        "with bad ones before it a fresh one is still tried",
                        Due.of(9).blamed(1, 2),
                        "9 + => d9",
                        "1 -",
                        "2 -",
                        "9 + => b1 b2"),
                row(
                        "three suspects in a row are checked at once",
                        Due.of(1, 2, 3, 4, 5).knowing(9, true),
                        "1 2 3 4 5 -",
                        "1 -",
                        "2 -",
                        "3 -",
                        "9 + => b1 b2 b3",
                        "4 + => d4",
                        "5 + => d5"),
                row(
                        "a second proof without a delivery between gets no fresh path blamed",
                        Due.of(1, 2, 3, 4, 5).knowing(9, true),
                        "1 2 3 4 5 -",
                        "1 -",
                        "2 -",
                        "3 -",
                        "9 + => b1 b2 b3",
                        "4 -",
                        "5 -",
                        "9 + => p4 p5"),
                row(
                        "a destination that takes only what it has is down after six",
                        Due.of(1, 2, 3, 4, 5, 6, 7).knowing(9, true),
                        "1 2 3 4 5 6 7 -",
                        "1 -",
                        "2 -",
                        "3 -",
                        "9 + => b1 b2 b3",
                        "4 -",
                        "5 -",
                        "6 - DOWN",
                        "=> p4 p5 p6"),
                row(
                        "a delivery just before the round shows that the destination worked",
                        Due.of(1).knowing(9, true),
                        "1 -",
                        "9 + => b1"),
                row(
                        "a delivery long ago shows nothing about a fresh path",
                        Due.of(1).knowing(9, false),
                        "1 -",
                        "=> p1"),
                row(
                        "a deferred path that others have overtaken is tried twice around a proof",
                        Due.of().overtaken(1).knowing(9, false),
                        "1 -",
                        "9 +",
                        "1 -",
                        "9 + => b1"),
                row(
                        "one that passes after the proof was only early",
                        Due.of().overtaken(1).knowing(9, false),
                        "1 -",
                        "9 +",
                        "1 + => d1"),
                row(
                        "one that others have overtaken is not blamed in an outage",
                        Due.of().overtaken(1).knowing(9, false),
                        "1 -",
                        "9 - DOWN",
                        "=> p1"),
                row(
                        "a proof that was collected is not asked for again",
                        Due.of(1).knowing(9, true),
                        "1 -",
                        "9 x9",
                        "=> p1"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scripts")
    void roundsGoAsTheScriptsSay(Due due, List<String> script) {
        DeliveryPolicy round =
                DeliveryPolicy.of(due.fresh(), due.deferred(), due.known(), 10, MIDDLE);
        for (String line : script) {
            String[] sides = line.split("=>", -1);
            var words = new ArrayList<>(List.of(sides[0].trim().split("\\s+")));
            boolean down = words.remove("DOWN");
            List<Verdict> verdicts;
            if (words.equals(List.of(""))) {
                assertEquals("", numbers(round.next()), "the round is over");
                verdicts = round.over(NOW);
            } else {
                String answer = words.removeLast();
                assertEquals(String.join(" ", words), numbers(round.next()), () -> "at " + line);
                verdicts = round.learn(outcome(answer), NOW);
                assertEquals(down, round.down() != null, () -> "down at " + line);
            }
            String expected = sides.length > 1 ? sides[1].trim() : "";
            assertEquals(expected, shown(verdicts), () -> "verdicts at " + line);
        }
        assertEquals("", numbers(round.next()), "the round is over");
        assertEquals("", shown(round.over(NOW)), "nothing is left to record");
    }

    @Test
    void whatIsLeftStaysAsItWasAndWhoWasRefusedIsStillProvedToBeToBlame() {
        Due due = Due.of().blamed(1, 2).knowing(9, true);
        DeliveryPolicy round =
                DeliveryPolicy.of(due.fresh(), due.deferred(), due.known(), 10, MIDDLE);
        assertEquals("1", numbers(round.next()));
        assertEquals(List.of(), round.learn(new DeliveryOutcome.Refused("hangs", Set.of()), NOW));
        assertTrue(round.onlyDeferredLeft());
        round.leaveRest();
        assertEquals("9", numbers(round.next()));
        assertTrue(round.proving());
        Verdict blamed = round.learn(new DeliveryOutcome.Delivered(0), NOW).getFirst();
        assertEquals(2, ((Verdict.Deferred) blamed).attempts());
        assertEquals("", numbers(round.next()));
        assertEquals(List.of(), round.over(NOW), "nothing is said of the other one");
    }

    /** As a binary cache that is full does, or one that Nix believes it knows. */
    @Test
    void whereOnlyProofsPassNoMoreThanThreeAreBlamedForARound() {
        Due due = Due.of().putOff(IntStream.rangeClosed(1, 50).toArray()).knowing(99, true);
        DeliveryPolicy round =
                DeliveryPolicy.of(due.fresh(), due.deferred(), due.known(), 10, MIDDLE);
        var verdicts = new ArrayList<Verdict>();
        while (!round.next().isEmpty()) {
            DeliveryOutcome answer =
                    round.proving()
                            ? new DeliveryOutcome.Delivered(0)
                            : new DeliveryOutcome.Refused("no space left", Set.of());
            verdicts.addAll(round.learn(answer, NOW));
        }
        verdicts.addAll(round.over(NOW));
        assertEquals(50, verdicts.size());
        assertEquals(
                3,
                verdicts.stream()
                        .filter(v -> v instanceof Verdict.Deferred d && d.attempts() > 0)
                        .count());
    }

    private static DeliveryOutcome outcome(String answer) {
        Set<StorePath> named =
                answer.length() == 1
                        ? Set.of()
                        : Arrays.stream(answer.substring(1).split(","))
                                .map(n -> Paths.path(Long.parseLong(n)))
                                .collect(Collectors.toSet());
        return switch (answer.charAt(0)) {
            case '+' -> new DeliveryOutcome.Delivered(1);
            case '-' -> new DeliveryOutcome.Refused("no", named);
            case 'x' -> new DeliveryOutcome.Invalid(named, "gone");
            case '!' -> new DeliveryOutcome.Unusable("no key");
            case '~' -> new DeliveryOutcome.Busy("HTTP error 503");
            case '%' -> new DeliveryOutcome.Unavailable("No space left on device");
            case '?' -> new DeliveryOutcome.Unreachable("Connection refused");
            default -> throw new IllegalArgumentException(answer);
        };
    }

    private static String numbers(List<Entry> entries) {
        return entries.stream().map(e -> "" + e.id()).collect(Collectors.joining(" "));
    }

    private static String shown(List<Verdict> verdicts) {
        return verdicts.stream()
                .map(verdict -> kind(verdict) + verdict.entry().id())
                .sorted((a, b) -> a.charAt(0) == b.charAt(0) ? 0 : order(a) - order(b))
                .collect(Collectors.joining(" "));
    }

    private static int order(String verdict) {
        return "dfbpu".indexOf(verdict.charAt(0));
    }

    private static String kind(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Delivered done -> "d";
            case Verdict.Failed failed -> "f";
            case Verdict.Deferred later when later.attempts() > later.entry().attempts() -> "b";
            case Verdict.Deferred later when later.tries() > later.entry().tries() -> "p";
            case Verdict.Deferred later -> "u";
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 10, 50, 200, 500})
    void oneBadPathAmongManyIsFoundInLogarithmicallyManyRuns(int many) {
        int most = 2 * DeliveryPolicySimulationTest.log2(many) + 5;
        for (long bad = 0; bad < many; bad++) {
            Play play = Play.of(Paths.fresh(0, many), Set.of(bad));
            assertTrue(play.runs <= most, "path " + bad + ": " + play.runs + " > " + most);
            assertEquals(Set.of(bad), play.blamed);
            assertEquals(many - 1, play.delivered.size());
        }
    }

    @Test
    void threeBadPathsAmongFiftyAreFoundInOneRound() {
        Play play = Play.of(Paths.fresh(0, 50), Set.of(7L, 23L, 49L));
        assertEquals(Set.of(7L, 23L, 49L), play.blamed);
        assertEquals(47, play.delivered.size());
        assertTrue(play.runs <= 3 * 2 * 6 + 6, () -> play.runs + " runs");
    }

    /** A whole round against a destination that works and has bad paths. */
    private static final class Play {
        final Set<Long> delivered = new HashSet<>();
        final Set<Long> blamed = new HashSet<>();
        int runs;

        static Play of(List<Entry> entries, Set<Long> bad) {
            var play = new Play();
            DeliveryPolicy round =
                    DeliveryPolicy.of(entries, List.of(), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
            Predicate<Entry> isBad = entry -> bad.contains(entry.id());
            for (var group = round.next(); !group.isEmpty(); group = round.next()) {
                play.runs++;
                assertEquals(
                        play.delivered.contains(group.getFirst().id()),
                        round.proving(),
                        "what was taken is handed over again as a proof only");
                String answer = group.stream().anyMatch(isBad) ? "-" : "+";
                round.learn(outcome(answer), NOW).forEach(play::note);
            }
            assertFalse(round.proving(), "nothing runs");
            assertEquals(List.of(), round.over(NOW));
            assertNull(round.down());
            return play;
        }

        void note(Verdict verdict) {
            switch (kind(verdict)) {
                case "d" -> assertTrue(delivered.add(verdict.entry().id()));
                case "b" -> assertTrue(blamed.add(verdict.entry().id()));
                default -> throw new AssertionError(verdict);
            }
        }
    }

    @Test
    void aTrialThatIsRefusedKeepsTheLaneDownAndPutsItsPathOff() {
        DeliveryPolicy round =
                DeliveryPolicy.trial(Paths.fresh(1), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        assertEquals("1", numbers(round.next()));
        assertEquals("p1", shown(round.learn(outcome("-"), NOW)));
        assertEquals("no", round.down());
        assertFalse(round.known().justNow());
        assertEquals("", numbers(round.next()));
    }

    @Test
    void aTrialThatIsTakenLetsTheNextRoundBlame() {
        DeliveryPolicy trial =
                DeliveryPolicy.trial(Paths.fresh(1), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        trial.next();
        assertEquals("d1", shown(trial.learn(outcome("+"), NOW)));
        assertNull(trial.down());
        assertTrue(trial.worked());
        DeliveryPolicy next =
                DeliveryPolicy.of(Paths.fresh(2, 3), List.of(), trial.known(), 10, MIDDLE);
        next.next();
        next.learn(outcome("-"), NOW);
        assertEquals("1", numbers(next.next()));
        assertEquals("b2", shown(next.learn(outcome("+"), NOW)));
    }

    @Test
    void aTrialOfAnInvalidPathProvesNothing() {
        DeliveryPolicy round =
                DeliveryPolicy.trial(Paths.fresh(1), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        round.next();
        assertEquals("f1", shown(round.learn(outcome("x1"), NOW)));
        assertNull(round.down());
        assertFalse(round.worked());
    }

    @Test
    void theLastAttemptFailsThePathWithTheReason() {
        var entry = new Entry(1, Paths.path(1), 4, 2, true);
        DeliveryPolicy round =
                DeliveryPolicy.of(
                        List.of(),
                        List.of(entry),
                        new DeliveryPolicy.Known(0, Paths.fresh(9), true),
                        3,
                        MIDDLE);
        round.next();
        round.learn(new DeliveryOutcome.Refused("signature is missing", Set.of()), NOW);
        round.next();
        assertEquals(
                List.of(new Verdict.Failed(entry, 3, "signature is missing")),
                round.learn(outcome("+"), NOW));
    }

    @Test
    void everyFailureDoublesTheDelayWhetherItCountsOrNot() {
        var entry = new Entry(1, Paths.path(1), 2, 1, false);
        DeliveryPolicy putOff =
                DeliveryPolicy.of(
                        List.of(), List.of(entry), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        putOff.next();
        putOff.learn(outcome("-"), NOW);
        assertEquals("", numbers(putOff.next()));
        assertEquals(
                List.of(new Verdict.Deferred(entry, 3, 1, NOW + 40_000, "no")), putOff.over(NOW));

        var known = new DeliveryPolicy.Known(0, Paths.fresh(9), true);
        DeliveryPolicy blamed = DeliveryPolicy.of(List.of(), List.of(entry), known, 10, MIDDLE);
        blamed.next();
        blamed.learn(outcome("-"), NOW);
        blamed.next();
        assertEquals(
                List.of(new Verdict.Deferred(entry, 2, 2, NOW + 40_000, "no")),
                blamed.learn(outcome("+"), NOW));
    }

    @Test
    void aPathThatWasNotTriedIsToldSoAndItsTurnComesFirst() {
        List<Entry> deferred =
                IntStream.range(1, 6)
                        .mapToObj(n -> new Entry(n, Paths.path(n), 3, 2, false))
                        .toList();
        DeliveryPolicy round =
                DeliveryPolicy.of(List.of(), deferred, DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        while (!round.next().isEmpty()) {
            round.learn(outcome("-"), NOW);
        }
        var last = (Verdict.Deferred) round.over(NOW).getLast();
        assertEquals(
                new Verdict.Deferred(
                        deferred.getLast(),
                        3,
                        2,
                        NOW + 5_000,
                        "not tried, because others were refused just before: no"),
                last);
    }

    @Test
    void anOutageInTheMiddleOfABigBatchIsFoundInFewRuns() {
        DeliveryPolicy round =
                DeliveryPolicy.of(
                        Paths.fresh(0, 200), List.of(), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        round.next();
        round.learn(outcome("-"), NOW);
        round.next();
        round.learn(outcome("+"), NOW);
        int runs = 0;
        for (var group = round.next(); !group.isEmpty(); group = round.next()) {
            assertEquals(List.of(), round.learn(outcome("-"), NOW));
            runs++;
        }
        assertNotNull(round.down());
        assertTrue(runs <= 8 + 6, runs + " runs");
        assertTrue(round.over(NOW).stream().allMatch(verdict -> kind(verdict).equals("p")));
    }

    @Test
    void anAnswerWithoutAQuestionIsABug() {
        DeliveryPolicy round =
                DeliveryPolicy.of(List.of(), List.of(), DeliveryPolicy.Known.NOTHING, 10, MIDDLE);
        assertThrows(IllegalStateException.class, () -> round.learn(outcome("+"), NOW));
    }
}
