package hookqueue.systemd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Refused sockets. Accepted ones need a separate process; the tests of the worker cover them. */
class InheritedSocketsTest {
    private static String refusal(Map<String, String> environment) {
        return assertThrows(IOException.class, () -> InheritedSockets.adopt(environment, 42))
                .getMessage();
    }

    @Test
    void withoutASocketItSaysHowToStart() {
        assertTrue(
                refusal(Map.of())
                        .startsWith(
                                "no listening socket. Start this program through"
                                        + " nix-post-build-hook-queue.socket, or to try it, with:"
                                        + " systemd-socket-activate --listen="));
    }

    @Test
    void socketsForAnotherProcessAreRefused() {
        assertTrue(
                refusal(Map.of("LISTEN_PID", "41", "LISTEN_FDS", "1"))
                        .startsWith("no listening socket."));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "-1", "65", "one", "99999999999"})
    void anImpossibleNumberOfSocketsIsRefused(String count) {
        assertEquals(
                "LISTEN_FDS is not a number from 1 to 64: " + count,
                refusal(Map.of("LISTEN_PID", "42", "LISTEN_FDS", count)));
    }

    @Test
    void aDescriptorThatIsNotASocketIsNamed() {
        String refusal =
                refusal(Map.of("LISTEN_PID", "42", "LISTEN_FDS", "1", "LISTEN_FDNAMES", "hooks:x"));
        assertTrue(refusal.startsWith("descriptor 3 (hooks) is not a socket but "), () -> refusal);
    }
}
