package hookqueue.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class FindingTest {
    @Test
    void fixIsPrintedBelowTheFailure() {
        assertEquals(
                List.of(
                        "FAIL  disk: it is | full",
                        "      fix: empty it:",
                        "           rm -r /tmp/x"),
                Finding.fail("disk", "it is\nfull", "empty it:", "rm -r /tmp/x").lines());
        assertEquals(List.of("pass  disk: fine"), Finding.pass("disk", "fine").lines());
        assertEquals(List.of("note  disk: large"), Finding.note("disk", "large").lines());
    }
}
