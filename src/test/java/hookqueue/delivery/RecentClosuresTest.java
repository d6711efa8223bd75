package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RecentClosuresTest {
    private final List<List<StorePath>> questions = new ArrayList<>();
    private boolean answers = true;
    private final RecentClosures closures =
            new RecentClosures(paths -> {
                questions.add(paths);
                return answers
                        ? Optional.of(paths.stream().map(path -> member(path)).toList())
                        : Optional.empty();
            });

    private static ClosureSource.Member member(StorePath path, long... references) {
        return new ClosureSource.Member(
                ClosureGraph.digest(path),
                LongStream.of(references).map(n -> ClosureGraph.digest(Paths.path(n))).toArray(),
                1);
    }

    private int found(long... numbers) {
        return closures.closures(LongStream.of(numbers).mapToObj(Paths::path).toList())
                .orElseThrow()
                .size();
    }

    @Test
    void aRememberedClosureIsNotQueriedAgain() {
        closures.remember(member(Paths.path(1), 2, 3));
        closures.remember(member(Paths.path(2), 3));
        closures.remember(member(Paths.path(3)));
        assertEquals(3, found(1));
        assertEquals(3, found(2, 1));
        assertEquals(List.of(), questions);
    }

    @Test
    void aClosureWithAnUnknownMemberIsQueriedAlone() {
        closures.remember(member(Paths.path(1), 2));
        closures.remember(member(Paths.path(3)));
        assertEquals(2, found(1, 3));
        assertEquals(List.of(List.of(Paths.path(1))), questions);
    }

    @Test
    void aFailedQueryGivesNoAnswer() {
        answers = false;
        closures.remember(member(Paths.path(3)));
        assertTrue(closures.closures(List.of(Paths.path(1), Paths.path(3))).isEmpty());
    }

    @Test
    void itForgetsAllBeforeItHoldsMoreThanTenThousandMembers() {
        for (int n = 0; n <= 10_000; n++) {
            closures.remember(member(Paths.path(n)));
        }
        assertEquals(1, found(10_000));
        assertEquals(List.of(), questions);
        assertEquals(1, found(9_999));
        assertEquals(1, questions.size());
    }
}
