package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SshCommandTest {
    private static final String OPTIONS = "-o BatchMode=yes -p 2222  -i /key";

    private static List<String> master(String url, String options) {
        return SshCommand.of(url, options).orElseThrow().master(Path.of("/tmp/x/s"), "up");
    }

    @Test
    void theMasterGetsTheOptionsTheKeyAndTheHostThatNixGivesToSsh() {
        List<String> command = master("ssh-ng://me@host?ssh-key=/my/key&compress-not=1", OPTIONS);
        assertTrue(
                String.join(" ", command).contains(" -i /my/key -o BatchMode=yes -p 2222 -i /key "),
                command::toString);
        assertEquals(List.of("--", "me@host"), command.subList(command.size() - 2, command.size()));
        assertTrue(command.contains("ControlPath=/tmp/x/s"));
    }

    @Test
    void theOptionsOfTheOperatorComeBeforeThoseThatHeMayChange() {
        List<String> command = master("ssh://host", "-o ServerAliveInterval=99");
        assertTrue(
                command.indexOf("ServerAliveInterval=99")
                        < command.indexOf("ServerAliveInterval=15"));
    }

    @Test
    void aChildKeepsTheOptionsOfTheOperator() {
        assertEquals(
                OPTIONS + " -o ControlMaster=no -o ControlPath=/tmp/x/s",
                SshCommand.through(Path.of("/tmp/x/s"), OPTIONS + " "));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://host",
                "ssh://-oProxyCommand=evil",
                "ssh://host:22",
                "ssh://[::1]",
                "ssh://host?compress=true",
                "ssh://host?max-connections=4",
                "ssh-ng://host?base64-ssh-public-host-key=AAAA",
                "ssh://host?ssh-key=%2Fkey"
            })
    void aDestinationWhoseCommandIsNotCertainGetsNone(String url) {
        assertEquals(Optional.empty(), SshCommand.of(url, OPTIONS));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-o ControlMaster=auto",
                "-o controlpath=/run/x",
                "-S /run/x",
                "-M",
                "-o 'ProxyCommand=nc %h %p'",
                "-o ProxyCommand=a\\ b"
            })
    void anOperatorWhoSharesConnectionsKeepsHisOwnWay(String options) {
        assertEquals(Optional.empty(), SshCommand.of("ssh://host", options));
    }
}
