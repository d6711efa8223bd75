package hookqueue.systemd;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * Sends entries with fields to the journal, one datagram each
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). Opens its own socket at the first entry.
 *
 * <p>It never blocks. An entry that the journal does not take at once is not sent: its socket is
 * missing or full, or the entry is longer than the kernel allows (some 200 KiB). The caller then
 * writes a line to standard error. If another thread interrupts this one in the middle of a call,
 * the entry may be sent although the answer is no.
 */
final class JournalSocket {
    /** Where journald listens, in every unit and in every journal namespace. */
    static final String PLACE = "/run/systemd/journal/socket";

    private final Path place;

    /** Guarded by this object; an interrupt closes it only while its thread sends. */
    private @Nullable AFUNIXDatagramChannel channel;

    JournalSocket(Path place) {
        this.place = place;
    }

    /**
     * Whether a stream of this process is a connection to the journal, as systemd.exec(5) says.
     *
     * @param stream {@code JOURNAL_STREAM}: device and inode
     * @param file the stream's file, such as {@code /proc/self/fd/2}
     */
    static boolean isJournal(@Nullable String stream, Path file) {
        try {
            Map<String, Object> of = Files.readAttributes(file, "unix:dev,ino");
            return (of.get("dev") + ":" + of.get("ino")).equals(stream);
        } catch (IOException e) {
            return false; // closed
        }
    }

    /** Returns whether the journal has it. */
    synchronized boolean send(Entry entry) {
        // An interrupt closes the channel, even one from before the call.
        boolean interrupted = Thread.interrupted();
        AFUNIXDatagramChannel open = channel;
        try {
            if (open == null) {
                open = nonBlocking();
                channel = open;
            }
            return open.send(ByteBuffer.wrap(entry.bytes()), AFUNIXSocketAddress.of(place)) > 0;
        } catch (IOException e) {
            if (open != null && !open.isOpen()) {
                channel = null;
            }
            return false;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A channel on which a journal that is stuck holds up no thread. */
    private static AFUNIXDatagramChannel nonBlocking() throws IOException {
        AFUNIXDatagramChannel made = AFUNIXDatagramChannel.open();
        try {
            made.configureBlocking(false);
            return made;
        } catch (IOException e) {
            made.close();
            throw e;
        }
    }

    /** The fields of one entry. */
    static final class Entry {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);

        /** Adds a field, or another value of the same field. */
        Entry with(String name, String value) {
            byte[] content = value.getBytes(StandardCharsets.UTF_8);
            bytes.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
            if (value.indexOf('\n') < 0) {
                bytes.write('=');
            } else {
                bytes.write('\n');
                bytes.writeBytes(
                        ByteBuffer.allocate(Long.BYTES)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(content.length)
                                .array());
            }
            bytes.writeBytes(content);
            bytes.write('\n');
            return this;
        }

        byte[] bytes() {
            return bytes.toByteArray();
        }
    }
}
