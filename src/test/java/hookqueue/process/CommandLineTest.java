package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CommandLineTest {
    @Test
    void aShellCanRunTheShownCommand() {
        List<String> odd = List.of("printf", "%s\\n", "a b", "$HOME", "", "*", "it's");
        String shown = CommandLine.shown(Map.of(), Map.of("X", "y z"), odd);
        assertEquals("env X='y z' printf '%s\\n' 'a b' '$HOME' '' '*' 'it'\\''s'", shown);
        var lines = Collections.synchronizedList(new ArrayList<String>());
        new ChildProcess(java.time.Duration.ofSeconds(50))
                .run(List.of("sh", "-c", shown), Map.of(), lines::add);
        assertEquals(odd.subList(2, odd.size()), lines);
    }

    @Test
    void nixsVariablesAreShownAndItsSecretsAreNot() {
        assertEquals(
                "env HOME=/h NIX_CONFIG='***' NIX_REMOTE=daemon nix",
                CommandLine.shown(
                        Map.of("NIX_REMOTE", "daemon", "NIX_CONFIG", "access-tokens = x", "A", "b"),
                        Map.of("HOME", "/h", "OUT_PATHS", "x".repeat(1_000)),
                        List.of("nix")));
    }

    @Test
    void manyArgumentsAreCounted() {
        List<String> command = Collections.nCopies(200, "x".repeat(99));
        String shown = CommandLine.shown(Map.of(), Map.of(), command);
        assertTrue(shown.endsWith(" # and 160 more arguments"), shown);
    }
}
