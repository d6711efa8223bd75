package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
 * The policy, by scripts. Paths are numbers; {@code p3} failed inconclusively once, {@code b3} was
 * blamed once, {@code o3} was blamed and others were delivered since.
 *
 * <pre>
 *   batch 1 2      a batch of the fast path starts; the policy must allow it
 *   add p3 b4      paths that failed before are due
 *   next 1         the diagnosis starts this group; "next" alone: it has none
 *   proof 1        the same, and the group is a proof
 *   trial 1        a trial starts
 *   1 2 +          the group of these is delivered; - refused, ~ busy, x2 path 2 is invalid, ! unusable,
 *                  % unavailable, ? unreachable
 *   most 0         the most batches at a time, * for any number
 *   rest           the lane had nothing to do for a while
 *   => d1 b2       after an answer: the verdicts: d delivered, b blamed, p inconclusive, f failed
 *   DOWN           after an answer: the destination is down
 * </pre>
 */
class DeliveryPolicyTest {
    private static final long NOW = 1_000_000;
    private static final Backoff MIDDLE = Backoff.standard(() -> 0.5);

    private static Arguments row(String sentence, String... script) {
        return Arguments.of(Named.of(sentence, List.of(script)));
    }

    static Stream<Arguments> scripts() {
        return Stream.of(
                row(
                        "a batch is delivered as a whole",
                        "batch 1 2 3",
                        "1 2 3 + => d1 d2 d3",
                        "next"),
                row(
                        "after a refused batch one path goes alone, then the rest, then halves",
                        "batch 1 2 3 4 5",
                        "1 2 3 4 5 -",
                        "next 1",
                        "1 + => d1",
                        "next 2 3 4 5",
                        "2 3 4 5 -",
                        "next 2 3",
                        "2 3 + => d2 d3",
                        "next 4 5",
                        "4 5 -",
                        "next 4",
                        "4 -",
                        "next 5",
                        "5 + => b4 d5",
                        "next"),
                row(
                        "the last suspect is blamed when a proof passes",
                        "batch 1 2",
                        "1 2 -",
                        "next 1",
                        "1 + => d1",
                        "next 2",
                        "2 -",
                        "proof 1",
                        "1 + => b2"),
                row(
                        "a refused proof means down, and nobody is blamed",
                        "batch 1 2",
                        "1 2 -",
                        "next 1",
                        "1 + => d1",
                        "next 2",
                        "2 -",
                        "proof 1",
                        "1 - DOWN => p2"),
                row(
                        "three fresh paths refused alone with no delivery before mean down",
                        "batch 1 2 3 4",
                        "1 2 3 4 -",
                        "next 1",
                        "1 -",
                        "next 2",
                        "2 -",
                        "next 3",
                        "3 - DOWN => p1 p2 p3"),
                row(
                        "three in a row are counted over several diagnoses",
                        "batch 1",
                        "1 - => p1",
                        "batch 2",
                        "2 - => p2",
                        "rest",
                        "batch 3",
                        "3 - DOWN => p3"),
                row(
                        "two refused alone prove nothing",
                        "batch 1 2",
                        "1 2 -",
                        "next 1",
                        "1 -",
                        "next 2",
                        "2 - => p1 p2",
                        "next"),
                row(
                        "what failed before the first delivery gets another chance",
                        "batch 1 2",
                        "1 2 -",
                        "next 1",
                        "1 -",
                        "next 2",
                        "2 + => d2",
                        "next 1",
                        "1 -",
                        "proof 2",
                        "2 + => b1"),
                row(
                        "a delivery just before shows that the destination worked",
                        "batch 9",
                        "9 + => d9",
                        "batch 1",
                        "1 -",
                        "proof 9",
                        "9 + => b1"),
                row(
                        "a delivery before a rest shows nothing",
                        "batch 9",
                        "9 + => d9",
                        "rest",
                        "batch 1",
                        "1 - => p1"),
                row(
                        "from a refusal on no batch starts until something is delivered",
                        "batch 1 2",
                        "batch 3 4",
                        "batch 5",
                        "1 2 -",
                        "most 0",
                        "3 4 + => d3 d4",
                        "most *",
                        "batch 6",
                        "next 1 2"),
                row(
                        "after a diagnosis without a delivery one batch at a time may start",
                        "batch 1",
                        "1 - => p1",
                        "most 1",
                        "batch 2",
                        "2 + => d2",
                        "most *"),
                row(
                        "refused paths that failed before hold up no batch",
                        "add b1",
                        "next 1",
                        "1 - => p1",
                        "most *"),
                row(
                        "an outage is found once, however many children it ends",
                        "batch 1",
                        "batch 2",
                        "batch 3",
                        "batch 4",
                        "1 - => p1",
                        "2 - => p2",
                        "3 - DOWN => p3",
                        "4 - DOWN",
                        "next",
                        "most 0"),
                row(
                        "of paths that fail together only the first may be blamed untried",
                        "batch 9",
                        "9 + => d9",
                        "batch 1",
                        "batch 2",
                        "batch 3",
                        "1 -",
                        "2 -",
                        "next 2",
                        "3 -",
                        "2 + => b1 d2",
                        "next 3",
                        "3 + => d3"),
                row(
                        "the answers of what was under way change nothing when it is down",
                        "batch 1",
                        "batch 2",
                        "1 ! DOWN",
                        "2 - DOWN",
                        "next"),
                row(
                        "what is delivered after it was found down is delivered all the same",
                        "batch 1",
                        "batch 2",
                        "1 ! DOWN",
                        "2 + DOWN => d2"),
                row(
                        "a delivery that started before a path failed does not blame it",
                        "batch 9",
                        "9 + => d9",
                        "batch 1",
                        "batch 2",
                        "1 -",
                        "2 + => d2",
                        "proof 2",
                        "2 - DOWN => p1"),
                row(
                        "one that started after it does",
                        "batch 9",
                        "9 + => d9",
                        "batch 1",
                        "batch 2",
                        "batch 3",
                        "1 -",
                        "2 + => d2",
                        "batch 4",
                        "4 + => b1 d4"),
                row(
                        "a busy destination blames nobody, and batches stay due",
                        "batch 1 2",
                        "1 2 ~",
                        "next",
                        "most *"),
                row(
                        "a part for which it was busy is tried again",
                        "batch 1 2",
                        "1 2 -",
                        "next 1",
                        "1 ~",
                        "next 1",
                        "1 + => d1",
                        "next 2"),
                row(
                        "five busy answers in a row mean down",
                        "batch 1",
                        "1 ~",
                        "batch 1",
                        "1 ~",
                        "batch 1",
                        "1 ~",
                        "batch 1",
                        "1 ~",
                        "batch 1",
                        "1 ~ DOWN"),
                row(
                        "busy answers of batches that were under way together count once",
                        "batch 1",
                        "batch 2",
                        "batch 3",
                        "batch 4",
                        "batch 5",
                        "1 ~",
                        "2 ~",
                        "3 ~",
                        "4 ~",
                        "5 ~",
                        "most *"),
                row(
                        "an invalid path of a batch fails at once",
                        "batch 1 2",
                        "1 2 x2 => f2",
                        "next"),
                row(
                        "an invalid path of a part fails at once and the others go on",
                        "batch 1 2 3",
                        "1 2 3 -",
                        "next 1",
                        "1 + => d1",
                        "next 2 3",
                        "2 3 x2 => f2",
                        "next 3"),
                row("a lane that cannot work is down", "batch 1 2", "1 2 ! DOWN", "most 0"),
                row("an unreachable destination is down at once", "batch 1 2", "1 2 ? DOWN"),
                row(
                        "a path for which a full disk has no room is deferred without blame",
                        "batch 1 2 3",
                        "1 2 3 %",
                        "next 1",
                        "1 + => d1",
                        "next 2 3",
                        "2 3 %",
                        "next 2",
                        "2 % => p2",
                        "next 3",
                        "3 + => d3"),
                row(
                        "three paths for which there is no room mean that it is down",
                        "batch 1 2 3",
                        "1 2 3 %",
                        "next 1",
                        "1 % => p1",
                        "next 2",
                        "2 % => p2",
                        "next 3",
                        "3 % DOWN => p3"),
                row(
                        "paths never blamed go together, the blamed one by one",
                        "add p3 p4 b5 b6",
                        "next 3 4",
                        "3 4 + => d3 d4",
                        "next 5",
                        "5 -",
                        "next 6",
                        "6 + => b5 d6"),
                row(
                        "paths that failed before are no sign that it is down",
                        "add b1 b2 b3 b4",
                        "next 1",
                        "1 -",
                        "next 2",
                        "2 -",
                        "next 3",
                        "3 -",
                        "next 4",
                        "4 - => p1 p2 p3 p4"),
                row(
                        "a path that others have overtaken is tried between two proofs",
                        "batch 9",
                        "9 + => d9",
                        "rest",
                        "add o1",
                        "proof 9",
                        "9 +",
                        "next 1",
                        "1 -",
                        "proof 9",
                        "9 + => b1"),
                row(
                        "one that others have overtaken is not blamed in an outage",
                        "batch 9",
                        "9 + => d9",
                        "rest",
                        "add o1",
                        "proof 9",
                        "9 - DOWN"),
                row(
                        "a proof that was collected is not asked for again",
                        "batch 9",
                        "9 + => d9",
                        "batch 1",
                        "1 -",
                        "proof 9",
                        "9 x9 => p1"),
                row(
                        "three suspects ask for a proof before the next path",
                        "batch 9",
                        "9 + => d9",
                        "add b1 b2 b3 b4",
                        "next 1",
                        "1 -",
                        "next 2",
                        "2 -",
                        "next 3",
                        "3 -",
                        "proof 9",
                        "9 + => b1 b2 b3",
                        "next 4"),
                row(
                        "a refused trial keeps it down and only defers its path",
                        "batch 1",
                        "1 ! DOWN",
                        "trial 2",
                        "2 - DOWN => p2"),
                row(
                        "a busy trial keeps it down and says nothing of its path",
                        "batch 1",
                        "1 ! DOWN",
                        "trial 2",
                        "2 ~ DOWN"),
                row(
                        "after a trial that is taken the next failure can be blamed",
                        "batch 1",
                        "1 ! DOWN",
                        "trial 2",
                        "2 + DOWN => d2",
                        "up",
                        "batch 3",
                        "3 -",
                        "proof 2",
                        "2 + => b3"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scripts")
    void thePolicyFollowsTheScript(List<String> script) {
        var play = new Play(10);
        for (String line : script) {
            play.line(line);
        }
    }

    /** Runs lines of scripts. */
    private static final class Play {
        final DeliveryPolicy policy;
        private final Map<String, DeliveryGroup> underWay = new LinkedHashMap<>();

        Play(int maxAttempts) {
            policy = new DeliveryPolicy(maxAttempts, MIDDLE);
        }

        void line(String line) {
            String[] sides = line.split("=>", -1);
            var words = new ArrayList<>(List.of(sides[0].trim().split("\\s+")));
            List<String> rest = words.subList(1, words.size());
            switch (words.getFirst()) {
                case "batch" -> {
                    assertTrue(policy.batchesUnderWay() < policy.mostBatches(), line);
                    note(policy.startBatch(entries(rest)));
                }
                case "add" -> {
                    assertTrue(policy.diagnosisIsIdle(), line);
                    policy.add(entries(rest));
                }
                case "next", "proof" -> next(words.getFirst(), rest, line);
                case "trial" -> note(policy.startTrial(entries(rest).getFirst()));
                case "most" ->
                        assertEquals(
                                rest.getFirst().equals("*")
                                        ? Integer.MAX_VALUE
                                        : Integer.parseInt(rest.getFirst()),
                                policy.mostBatches(),
                                line);
                case "rest" -> policy.rest();
                case "up" -> policy.outage().end();
                default -> {
                    boolean down = words.remove("DOWN");
                    String answer = words.removeLast();
                    List<Verdict> verdicts = answer(String.join(" ", words), answer);
                    assertEquals(sides.length > 1 ? sides[1].trim() : "", shown(verdicts), line);
                    assertEquals(down, policy.outage().reason() != null, line);
                }
            }
        }

        private void next(String word, List<String> numbers, String line) {
            DeliveryGroup next = policy.next();
            if (numbers.isEmpty()) {
                assertNull(next, line);
                return;
            }
            assertNotNull(next, line);
            DeliveryGroup started = policy.startNext();
            assertEquals(String.join(" ", numbers), key(started), line);
            assertEquals(word.equals("proof"), started.kind() == DeliveryGroup.Kind.PROOF, line);
            note(started);
        }

        private void note(DeliveryGroup group) {
            underWay.put(key(group), group);
        }

        List<Verdict> answer(String members, String answer) {
            DeliveryGroup group = underWay.remove(members);
            assertNotNull(group, members);
            return policy.learn(group, outcome(answer), NOW);
        }
    }

    private static String key(DeliveryGroup group) {
        return group.members().stream().map(e -> "" + e.id()).collect(Collectors.joining(" "));
    }

    private static List<Entry> entries(List<String> words) {
        return words.stream().map(DeliveryPolicyTest::entry).toList();
    }

    private static Entry entry(String word) {
        char kind = word.charAt(0);
        long number = Long.parseLong(Character.isDigit(kind) ? word : word.substring(1));
        StorePath path = Paths.path(number);
        return switch (kind) {
            case 'p' -> new Entry(number, path, 1, 0, false, 0);
            case 'b' -> new Entry(number, path, 0, 1, false, 0);
            case 'o' -> new Entry(number, path, 0, 1, true, 0);
            default -> Paths.fresh(number);
        };
    }

    private static DeliveryOutcome outcome(String answer) {
        return switch (answer.charAt(0)) {
            case '+' -> new DeliveryOutcome.Delivered(1);
            case '-' -> new DeliveryOutcome.Refused("no");
            case '~' -> new DeliveryOutcome.Busy("HTTP error 429");
            case 'x' ->
                    new DeliveryOutcome.Invalid(
                            Arrays.stream(answer.substring(1).split(","))
                                    .map(n -> Paths.path(Long.parseLong(n)))
                                    .collect(Collectors.toSet()),
                            "gone");
            case '%' -> new DeliveryOutcome.Unavailable("No space left on device");
            case '?' -> new DeliveryOutcome.Unreachable("Connection refused");
            case '!' -> new DeliveryOutcome.Unusable("no key");
            default -> throw new IllegalArgumentException(answer);
        };
    }

    private static String shown(List<Verdict> verdicts) {
        return verdicts.stream()
                .map(verdict -> kind(verdict) + verdict.entry().id())
                .collect(Collectors.joining(" "));
    }

    private static String kind(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Delivered done -> "d";
            case Verdict.Failed failed -> "f";
            case Verdict.Deferred later when later.failures() > later.entry().failures() -> "b";
            case Verdict.Deferred later -> "p";
        };
    }

    /** Like a full binary cache, or one whose content Nix has cached. */
    @Test
    void ifOnlyProofsAreAcceptedAtMostThreePathsInARowAreBlamed() {
        var play = new Play(10);
        play.line("batch 99");
        play.line("99 + => d99");
        play.policy.add(entries(IntStream.rangeClosed(1, 50).mapToObj(n -> "p" + n).toList()));
        var verdicts = new ArrayList<Verdict>();
        while (play.policy.next() != null) {
            DeliveryGroup group = play.policy.startNext();
            boolean proof = group.kind() == DeliveryGroup.Kind.PROOF;
            verdicts.addAll(play.policy.learn(group, outcome(proof ? "+" : "-"), NOW));
        }
        assertEquals(50, verdicts.size());
        assertEquals(3, verdicts.stream().filter(v -> kind(v).equals("b")).count());
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 10, 50, 200, 500})
    void oneBadPathAmongManyIsFoundInLogarithmicallyManyRuns(int many) {
        int most = 2 * DeliveryPolicySimulationTest.log2(many) + 5;
        for (long bad = 0; bad < many; bad++) {
            var search = new Search(many, Set.of(bad));
            assertTrue(search.runs <= most, "path " + bad + ": " + search.runs + " > " + most);
            assertEquals(Set.of(bad), search.blamed);
            assertEquals(many - 1, search.delivered.size());
        }
    }

    @Test
    void threeBadPathsAmongFiftyAreFoundInOneDiagnosis() {
        var search = new Search(50, Set.of(7L, 23L, 49L));
        assertEquals(Set.of(7L, 23L, 49L), search.blamed);
        assertEquals(47, search.delivered.size());
        assertTrue(search.runs <= 3 * 2 * 6 + 6, () -> search.runs + " runs");
    }

    /** A diagnosis with bad paths at a working destination. */
    private static final class Search {
        final Set<Long> delivered = new HashSet<>();
        final Set<Long> blamed = new HashSet<>();
        int runs;

        Search(int many, Set<Long> bad) {
            var policy = new DeliveryPolicy(10, MIDDLE);
            DeliveryGroup group = policy.startBatch(Paths.fresh(0, many));
            while (true) {
                runs++;
                boolean refused = group.members().stream().anyMatch(e -> bad.contains(e.id()));
                for (Verdict v : policy.learn(group, outcome(refused ? "-" : "+"), NOW)) {
                    assertTrue((kind(v).equals("d") ? delivered : blamed).add(v.entry().id()));
                }
                if (policy.next() == null) {
                    break;
                }
                group = policy.startNext();
            }
            assertNull(policy.outage().reason());
            assertEquals(0, policy.held().count());
        }
    }

    @Test
    void theLastAttemptFailsThePathWithTheReason() {
        var play = new Play(3);
        play.line("batch 9");
        play.line("9 + => d9");
        var entry = new Entry(1, Paths.path(1), 4, 2, true, 0);
        play.policy.add(List.of(entry));
        play.policy.learn(play.policy.startNext(), new DeliveryOutcome.Refused("too old"), NOW);
        assertEquals(
                List.of(new Verdict.Failed(entry, 3, "too old")),
                play.policy.learn(play.policy.startNext(), outcome("+"), NOW));
    }

    @Test
    void everyFailureDoublesTheDelayWhetherItCountsOrNot() {
        var entry = new Entry(1, Paths.path(1), 2, 1, false, 0);
        var unknown = new DeliveryPolicy(10, MIDDLE);
        unknown.add(List.of(entry));
        assertEquals(
                List.of(new Verdict.Deferred(entry, 3, 1, NOW + 40_000, "no")),
                unknown.learn(unknown.startNext(), outcome("-"), NOW));

        var play = new Play(10);
        play.line("batch 9");
        play.line("9 + => d9");
        play.policy.add(List.of(entry));
        play.policy.learn(play.policy.startNext(), outcome("-"), NOW);
        assertEquals(
                List.of(new Verdict.Deferred(entry, 2, 2, NOW + 40_000, "no")),
                play.policy.learn(play.policy.startNext(), outcome("+"), NOW));
    }

    @Test
    void anOutageInTheMiddleOfABigBatchIsFoundInFewRuns() {
        var policy = new DeliveryPolicy(10, MIDDLE);
        policy.learn(policy.startBatch(Paths.fresh(0, 200)), outcome("-"), NOW);
        policy.learn(policy.startNext(), outcome("+"), NOW);
        int runs = 0;
        for (; policy.next() != null; runs++) {
            List<Verdict> verdicts = policy.learn(policy.startNext(), outcome("-"), NOW);
            assertTrue(verdicts.stream().allMatch(verdict -> kind(verdict).equals("p")));
        }
        assertNotNull(policy.outage().reason());
        assertTrue(runs <= 8 + 6, runs + " runs");
    }

    @Test
    void abandonedPathsKeepTheirState() {
        var play = new Play(10);
        play.line("batch 1 2");
        play.line("1 2 -");
        play.policy.abandon();
        assertEquals(0, play.policy.held().count());
        play.line("next");
    }

    @Test
    void anOutcomeWithoutARunningGroupIsABug() {
        var play = new Play(10);
        play.line("batch 1");
        DeliveryGroup group = play.underWay.get("1");
        play.line("1 + => d1");
        assertThrows(
                IllegalStateException.class, () -> play.policy.learn(group, outcome("+"), NOW));
        assertThrows(IllegalStateException.class, play.policy::startNext);
    }
}
