package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SshMasterTest {
    private static final Path FOLDER = Path.of("/var/lib/q/ssh");

    @Test
    void itConnectsAsNixDoesAndChildrenShareItsSocket() {
        String url = "ssh-ng://me@cache?compress=true&ssh-key=/etc/key";
        SshMaster.Plan plan = SshMaster.Plan.of(url, " -p 2222  -F none ", FOLDER).orElseThrow();
        String socket = "ControlPath=" + FOLDER + "/" + Integer.toHexString(url.hashCode());
        assertEquals(
                List.of(
                        "ssh",
                        "-x",
                        "-a",
                        "-N",
                        "-M",
                        "-o",
                        socket,
                        "-o",
                        "ControlPersist=no",
                        "-o",
                        "BatchMode=yes",
                        "-i",
                        "/etc/key",
                        "-p",
                        "2222",
                        "-F",
                        "none",
                        "--",
                        "me@cache"),
                plan.command());
        assertEquals("-p 2222  -F none -o ControlMaster=no -o " + socket, plan.options());
    }

    @ParameterizedTest
    @CsvSource({
        "http://cache, ''",
        "ssh://cache:22, ''",
        "ssh://[::1], ''",
        "ssh://cache?base64-ssh-public-host-key=x, ''",
        "ssh://cache?ssh-key=%2Fkey, ''",
        "ssh://cache, -S none",
        "ssh://cache, -o ControlPath=/x",
        "ssh://cache, -M",
        "ssh://cache, -o \"ProxyCommand x\"",
    })
    void nothingIsSharedWhereTheCommandIsNotCertainOrTheOperatorHasSaidHow(
            String url, String options) {
        assertEquals(Optional.empty(), SshMaster.Plan.of(url, options, FOLDER));
    }

    @Test
    void aSocketWithALongPathIsNotMade() {
        assertEquals(
                Optional.empty(),
                SshMaster.Plan.of("ssh://cache", "", Path.of("/" + "x".repeat(90))));
    }
}
