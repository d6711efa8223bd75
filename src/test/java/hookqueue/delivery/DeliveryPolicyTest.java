package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.queue.Entry;
import hookqueue.queue.Verdict;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
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
 * The policy, by the scripts in policy-scripts.txt. Paths are numbers; {@code p3} failed
 * inconclusively once, {@code b3} was blamed once, {@code o3} was blamed and others were delivered
 * since.
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

    /** Each has a sentence, and indented lines up to an empty one. */
    static Stream<Arguments> scripts() throws IOException {
        try (InputStream in = DeliveryPolicyTest.class.getResourceAsStream("policy-scripts.txt")) {
            String all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            List<Arguments> scripts =
                    Arrays.stream(all.strip().split("\n\n"))
                            .map(DeliveryPolicyTest::script)
                            .toList();
            assertEquals(38, scripts.size());
            return scripts.stream();
        }
    }

    private static Arguments script(String text) {
        List<String> lines = text.lines().map(String::strip).toList();
        return Arguments.of(Named.of(lines.getFirst(), lines.subList(1, lines.size())));
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
