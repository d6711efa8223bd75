package hookqueue.systemd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.DatagramPacket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

class NotifyTest {
    @TempDir Path folder;

    private static String receive(AFUNIXDatagramSocket socket) throws Exception {
        var packet = new DatagramPacket(new byte[4096], 4096);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
    }

    private static void assertTells(AFUNIXDatagramSocket socket, String address) throws Exception {
        socket.setSoTimeout(10_000);
        var notify = new Notify(Map.of("NOTIFY_SOCKET", address));
        notify.ready("two\nlines");
        assertEquals("READY=1\nSTATUS=two lines", receive(socket));
        notify.status("copying");
        assertEquals("STATUS=copying", receive(socket));
        notify.status("copying");
        notify.status("a\nREADY=0\r\u0007\u202e\u009b2J");
        assertEquals("STATUS=a READY=0????2J", receive(socket), "one line, and plain");
        notify.status("copying");
        assertEquals("STATUS=copying", receive(socket));
        notify.watchdog();
        assertEquals("WATCHDOG=1", receive(socket), "the same status is not sent twice");
        notify.stopping("nothing left to do");
        assertEquals("STOPPING=1\nSTATUS=nothing left to do", receive(socket));
        socket.setSoTimeout(1);
        assertThrows(SocketTimeoutException.class, () -> receive(socket));
    }

    @Test
    void notifiesSystemdThroughASocketFile() throws Exception {
        Path file = folder.resolve("notify");
        try (AFUNIXDatagramSocket socket = AFUNIXDatagramSocket.newInstance()) {
            socket.bind(AFUNIXSocketAddress.of(file));
            assertTells(socket, file.toString());
        }
    }

    @Test
    void notifiesSystemdThroughAnAbstractSocket() throws Exception {
        String name = "hookqueue-test-" + ProcessHandle.current().pid();
        try (AFUNIXDatagramSocket socket = AFUNIXDatagramSocket.newInstance()) {
            socket.bind(AFUNIXSocketAddress.inAbstractNamespace(name));
            assertTells(socket, "@" + name);
        }
    }

    @Test
    void doesNothingWithoutANotifySocketOrListener() {
        new Notify(Map.of()).ready("x");
        new Notify(Map.of("NOTIFY_SOCKET", "")).ready("x");
        new Notify(Map.of("NOTIFY_SOCKET", folder.resolve("gone").toString())).ready("x");
    }
}
