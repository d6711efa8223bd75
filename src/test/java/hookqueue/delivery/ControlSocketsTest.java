package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlSocketsTest {
    @TempDir private Path state;

    @Test
    void onlyTheWorkersUserCanEnterTheFolderAndItGoesWithTheLastSocket() throws Exception {
        var sockets = new ControlSockets(state);
        Path first = sockets.take();
        Path second = sockets.take();
        assertNotEquals(first, second);
        assertEquals("rwx------", permissions(state.resolve("ssh")));
        Files.createFile(first);
        sockets.release(first);
        assertFalse(Files.exists(first));
        assertTrue(Files.exists(second.getParent()));
        sockets.release(second);
        assertFalse(Files.exists(state.resolve("ssh")));
    }

    @Test
    void theFirstConnectionDeletesWhatAKilledWorkerLeft() throws Exception {
        Path left = new ControlSockets(state).take();
        Files.createFile(left);
        Path temporary = Files.createFile(left.resolveSibling("s1.0123456789abcdef"));

        var sockets = new ControlSockets(state);
        Path socket = sockets.take();
        assertFalse(Files.exists(left));
        assertFalse(Files.exists(temporary));
        Files.createFile(socket);
        sockets.take();
        assertTrue(Files.exists(socket), "a socket in use stays");
    }

    @Test
    void aSymlinkIsNotFollowed() throws Exception {
        Path elsewhere = Files.createDirectory(state.resolve("elsewhere"));
        Path file = Files.createFile(elsewhere.resolve("file"));
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rwx------"));
        Files.createSymbolicLink(state.resolve("ssh"), elsewhere);
        assertThrows(IOException.class, () -> new ControlSockets(state).take());
        assertTrue(Files.exists(file));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rwxr-x---", "rwx--x--x", "rwxrwxrwx"})
    void aFolderThatOthersCanEnterIsNotUsed(String permissions) throws Exception {
        Path folder = Files.createDirectory(state.resolve("ssh"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(permissions));
        Path file = Files.createFile(folder.resolve("file"));
        assertThrows(IOException.class, () -> new ControlSockets(state).take());
        assertTrue(Files.exists(file));
    }

    @Test
    void aFolderOfAnotherUserIsNotUsed() throws Exception {
        assumeTrue(
                Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0),
                "only root can give a folder to another user");
        Path folder = Files.createDirectory(state.resolve("ssh"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        Path file = Files.createFile(folder.resolve("file"));
        Files.setAttribute(folder, "unix:uid", 65534);
        assertThrows(IOException.class, () -> new ControlSockets(state).take());
        assertTrue(Files.exists(file));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "with blank",
                "with%h",
                "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long",
            })
    void aStateDirectoryThatDoesNotSuitASocketLeavesATemporaryFolder(String name) throws Exception {
        var sockets = new ControlSockets(state.resolve(name));
        Path socket = sockets.take();
        try {
            assertFalse(socket.startsWith(state), socket::toString);
            assertEquals("rwx------", permissions(socket.getParent()));
        } finally {
            sockets.release(socket);
        }
        assertFalse(Files.exists(socket.getParent()));
    }

    private static String permissions(Path folder) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder));
    }
}
