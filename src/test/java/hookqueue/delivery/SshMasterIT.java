package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.nix.Progress;
import hookqueue.testkit.Sshd;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shared connection, with a real ssh and a real sshd. */
@Timeout(60)
class SshMasterIT {
    private static final Duration SOON = Duration.ofSeconds(20);

    private World world;
    private Sshd sshd;
    private SshMaster master;

    /** The {@code NIX_SSHOPTS} of each child. */
    private final List<String> children = new ArrayList<>();

    private DeliveryOutcome answer = new DeliveryOutcome.Delivered(0);

    @BeforeEach
    void begin() throws Exception {
        world = new World();
        sshd = new Sshd(world).start();
        String options = world.environment().get("NIX_SSHOPTS");
        master =
                new SshMaster(
                        SshCommand.of(sshd.url(), options).orElseThrow(),
                        new Links(options, Map.of(), world.state),
                        () -> {});
    }

    @AfterEach
    void end() throws Exception {
        master.close();
        sshd.close();
        world.close();
    }

    private void open() {
        master.open();
        World.eventually(SOON, "the connection is settled", () -> master.settlesIn() == 0);
    }

    private DeliveryOutcome carry(Progress progress) {
        Transport transport =
                master.transport(
                        Map.of("NIX_SSHOPTS", "alone"),
                        environment ->
                                (paths, told) -> {
                                    children.add(environment.get("NIX_SSHOPTS"));
                                    return answer;
                                });
        return transport.carry(List.of(), progress);
    }

    private Path socket() {
        String last = children.getFirst();
        return Path.of(last.substring(last.indexOf("ControlPath=") + "ControlPath=".length()));
    }

    @Test
    void childrenUseTheConnectionWhileTheLaneIsBusyAndItLeavesNothingBehind() throws Exception {
        carry(new Progress());
        assertEquals(List.of("alone"), children, "not before it is up");
        children.clear();

        open();
        assertTrue(master.isNear(), "on loopback");
        assertInstanceOf(DeliveryOutcome.Delivered.class, carry(new Progress()));
        var check = new ArrayList<>(List.of("ssh"));
        check.addAll(List.of(children.getFirst().split(" +")));
        check.addAll(List.of("-O", "check", sshd.url().substring("ssh://".length())));
        World.Result checked = world.attempt(check.toArray(String[]::new));
        assertEquals(0, checked.status(), checked::errors);
        assertEquals(
                "rwx------",
                java.nio.file.attribute.PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(socket().getParent())));

        master.close();
        assertFalse(Files.exists(socket().getParent()));
        children.clear();
        carry(new Progress());
        assertEquals(List.of("alone"), children);
    }

    @Test
    void withoutAConnectionChildrenConnectByThemselves() throws Exception {
        sshd.stop();
        open();
        assertFalse(master.isNear());
        carry(new Progress());
        assertEquals(List.of("alone"), children);
        master.open();
        assertEquals(0, master.settlesIn(), "it is not tried again at once");
    }

    @Test
    void aFailureBeforeAnythingWasCopiedIsTriedAgainWithoutTheConnection() throws Exception {
        open();
        answer = new DeliveryOutcome.Unreachable("cannot connect");
        assertEquals(answer, carry(new Progress()));
        assertEquals(2, children.size());
        assertTrue(children.getFirst().contains("ControlPath="));
        assertEquals("alone", children.getLast());

        carry(new Progress());
        assertEquals("alone", children.getLast());
        assertEquals(3, children.size(), "the connection is not used any more");
    }

    @Test
    void aRefusalInTheMiddleOfACopyIsTheDestinationsAnswer() throws Exception {
        open();
        answer = new DeliveryOutcome.Refused("no");
        var progress = new Progress();
        progress.accept(
                "@nix {\"action\":\"start\",\"id\":1,\"level\":3,\"parent\":0,\"type\":100,"
                        + "\"text\":\"copying path '/nix/store/0-x' to 'ssh://h'\"}");
        assertEquals(answer, carry(progress));
        assertEquals(1, children.size());
    }
}
