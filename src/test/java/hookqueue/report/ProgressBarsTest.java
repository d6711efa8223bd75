package hookqueue.report;

import static hookqueue.report.Overviews.A;
import static hookqueue.report.Overviews.A_QUARTER;
import static hookqueue.report.Overviews.DOWN;
import static hookqueue.report.Overviews.NOW;
import static hookqueue.report.Overviews.P;
import static hookqueue.report.Overviews.batch;
import static hookqueue.report.Overviews.lane;
import static hookqueue.report.Overviews.overview;
import static hookqueue.report.Overviews.running;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.queue.LaneCounts;
import hookqueue.queue.Pace;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The progress bars of a watcher. */
class ProgressBarsTest {
    private final StatusText status = new StatusText(() -> ZoneOffset.UTC);

    private static final String FULL_BAR = "#".repeat(40);

    @Test
    void aBarShowsTheProgressSinceTheWatchBegan() {
        Overview first = running(lane(30, 100, 5_000_000, new Pace(0, 0)), 10);
        var bars = new ProgressBars(status, first, "");
        assertEquals(
                List.of("line\ts3://c [\tgreen\t" + "-".repeat(40) + "\t]   0% 0 of 30 paths"),
                bars.lines(first, 100, 24));
        Overview later = running(lane(20, 110, 25_000_000, new Pace(10, 20_000)), 10, A_QUARTER);
        String tail = "]  41% 10 of 30 paths, 30 MB at 1.0 MB/s, about 50s left";
        assertEquals(
                List.of("line\ts3://c [\tgreen\t" + bar(16, 40) + "\t" + tail),
                bars.lines(later, 140, 24));
        assertEquals("10 paths to s3://c (20 MB) in 0ms", bars.total(later));
        assertEquals("", bars.total(first));
        var strange = new ProgressBars(status, overview(List.of(DOWN), List.of(P)), "");
        assertEquals(
                List.of(
                        "line\tssh://\"b\\ [\tred\t"
                                + "-".repeat(40)
                                + "\t]   0% down since 14:02, next try 14:17: no route to host ...",
                        "line\tp\"q. Mend it"),
                strange.lines(overview(List.of(DOWN), List.of(P)), 140, 24));
    }

    @Test
    void eachOfSeveralChildrenHasABarBelowItsLaneInATerminalOf80Columns() {
        Overview o =
                running(
                        lane(30, 0, 0, new Pace(0, 0)),
                        batch(10, A_QUARTER),
                        batch(1),
                        batch(19, A_QUARTER));
        var bars = new ProgressBars(status, o, "");
        List<String> lines = bars.lines(o, 80, 24);
        assertEquals(4, lines.size(), lines::toString);
        assertEquals(
                List.of(
                        "line\ts3://c      [\tgreen\t##---------\t]  25% 0 of 30 paths, 20 MB at 2.0 MB/s, about 30s left",
                        "line\t  process 1 [\tgreen\t##---------\t]  25% 10 paths, 10 MB at 1.0 MB/s",
                        "line\t  process 2 [\tgreen\t-----------\t]   0% 1 path",
                        "line\t  process 3 [\tgreen\t##---------\t]  25% 19 paths, 10 MB at 1.0 MB/s"),
                lines);
        assertEquals(4, bars.lines(o, 80, 5).size(), "the picture just fits");
        assertEquals(1, bars.lines(o, 80, 4).size(), "no room for all children, so none is shown");
        assertEquals(
                "copying 30 of 30 to s3://c, 20 MB of 80 MB at 2.0 MB/s by 3 processes",
                status.summary(o));
    }

    @Test
    void theBarsOfChildrenNeverHideAnotherLaneOrANote() {
        LaneCounts lane = lane(30, 0, 0, new Pace(0, 0));
        Overview o =
                new Overview(
                        NOW,
                        List.of(lane, A),
                        Map.of(lane.name(), new Running(List.of(batch(1), batch(2)))),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(P),
                        List.of(),
                        Optional.empty());
        var bars = new ProgressBars(status, o, "");
        assertEquals(6, bars.lines(o, 80, 7).size());
        List<String> small = bars.lines(o, 80, 6);
        assertEquals(4, small.size(), small::toString);
        assertTrue(small.get(1).contains(A.name()), small::toString);
        assertTrue(small.getLast().contains("Mend it"), small::toString);
    }

    private static String bar(int done, int all) {
        return "#".repeat(done) + "-".repeat(all - done);
    }

    @Test
    void barsFillATerminalAndNeverExceedIt() {
        Overview o = running(lane(20, 110, 25_000_000, new Pace(10, 20_000)), 10, A_QUARTER);
        for (int columns = 20; columns < 200; columns++) {
            int width = columns;
            for (String line : new ProgressBars(status, o, "").lines(o, columns, 24)) {
                String[] parts = line.split("\t");
                int length = parts[1].length() + parts[3].length() + parts[4].length();
                assertTrue(length < width, () -> width + ": " + line);
            }
        }
        List<LaneCounts> many = Collections.nCopies(50, lane(0, 1, 1, new Pace(0, 0)));
        Overview tall = overview(many, List.of(P));
        assertEquals(9, new ProgressBars(status, tall, "").lines(tall, 80, 10).size());
        assertEquals(
                "line\ts3://c [\tnone\t" + FULL_BAR + "\t] 100% 0 of 0 paths",
                new ProgressBars(status, tall, "").lines(tall, 80, 10).getFirst());
        assertEquals(
                "line\ts3://c [\tgreen\t#---------\t]  12% 0 of 20 paths, 10 ",
                new ProgressBars(status, o, "").lines(o, 44, 10).getFirst());
    }

    @Test
    void aRepeatedWatchContinuesFromItsBeginning() {
        Overview first = running(lane(30, 100, 5_000_000, new Pace(0, 0)), 10);
        String since = new ProgressBars(status, first, "").since();
        assertEquals(NOW.toEpochMilli() + ",100,5000000", since);
        Overview later = running(lane(15, 115, 25_000_000, new Pace(0, 0)), 5);
        var again = new ProgressBars(status, later, since);
        assertTrue(again.lines(later, 100, 24).getFirst().contains("]  50% 15 of 30 paths, 20 MB"));
        assertEquals(since, again.since());
        for (String wrong :
                List.of("", "x", "1,2", "1,2,3,4,5", "1,-2,3", since + ",", "1,116,0")) {
            assertTrue(
                    new ProgressBars(status, later, wrong)
                            .lines(later, 100, 24)
                            .getFirst()
                            .contains("]   0% 0 of 15 paths"),
                    wrong);
        }
    }
}
