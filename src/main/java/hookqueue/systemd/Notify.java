package hookqueue.systemd;

import hookqueue.base.Text;
import java.io.IOException;
import java.net.DatagramPacket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends systemd notifications: sd_notify(3). Does nothing when {@code NOTIFY_SOCKET} is not set.
 */
public final class Notify {
    private static final Logger LOG = LoggerFactory.getLogger(Notify.class);

    private final @Nullable String address;
    private String lastStatus = "";

    public Notify(Map<String, String> environment) {
        this.address = environment.get("NOTIFY_SOCKET");
    }

    /** The worker still starts; it may take ten minutes until the next call. */
    public void starting(String status) {
        send("EXTEND_TIMEOUT_USEC=600000000\nSTATUS=" + oneLine(status));
    }

    /** The worker accepts requests. */
    public void ready(String status) {
        lastStatus = status;
        send("READY=1\nSTATUS=" + oneLine(status));
    }

    /** Sets the line in {@code systemctl status}; sent only when it has changed. */
    public void status(String status) {
        if (!status.equals(lastStatus)) {
            lastStatus = status;
            send("STATUS=" + oneLine(status));
        }
    }

    /** Feeds the watchdog. */
    public void watchdog() {
        send("WATCHDOG=1");
    }

    /** The worker exits. */
    public void stopping(String status) {
        lastStatus = status;
        send("STOPPING=1\nSTATUS=" + oneLine(status));
    }

    private static String oneLine(String text) {
        return Text.clean(text).replace('\n', ' ');
    }

    private void send(String message) {
        if (address == null || address.isEmpty()) {
            return;
        }
        byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
        // Connected, because java.net.DatagramPacket accepts only internet addresses.
        try (AFUNIXDatagramSocket socket = AFUNIXDatagramSocket.newInstance()) {
            socket.connect(target(address));
            socket.send(new DatagramPacket(bytes, bytes.length));
        } catch (IOException e) {
            LOG.warn("cannot notify systemd: {}", e.toString());
        }
    }

    private static AFUNIXSocketAddress target(String address) throws IOException {
        byte[] name = address.getBytes(StandardCharsets.UTF_8);
        if (name[0] == '@') {
            name[0] = 0;
        }
        return AFUNIXSocketAddress.of(name);
    }
}
