package hookqueue.systemd;

import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.FileDescriptorCast;

/**
 * Adopts the listening sockets that systemd passes: descriptors 3 and up according to {@code
 * LISTEN_PID} and {@code LISTEN_FDS} (sd_listen_fds(3)), or else descriptor 0, as for inetd's
 * {@code wait} services and {@code StandardInput=socket}.
 *
 * <p>The JDK closes every descriptor above 2 in the child processes that it starts, so none of them
 * inherits a socket.
 */
public final class InheritedSockets {
    private static final int FIRST = 3;
    private static final int MOST = 64;
    private static final String STREAM = "0001";
    private static final int LISTENING = 0x10000;

    private InheritedSockets() {}

    /**
     * Adopts them.
     *
     * @throws IOException naming the descriptor that is not a listening Unix stream socket; without
     *     any descriptor, saying how to start the worker
     */
    public static List<AFUNIXServerSocketChannel> adopt(Map<String, String> environment, long pid)
            throws IOException {
        var sockets = new ArrayList<AFUNIXServerSocketChannel>();
        if (String.valueOf(pid).equals(environment.get("LISTEN_PID"))) {
            int count = count(environment.getOrDefault("LISTEN_FDS", ""));
            String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":");
            for (int i = 0; i < count; i++) {
                String name = i < names.length && !names[i].isEmpty() ? " (" + names[i] + ")" : "";
                check(FIRST + i, name);
                sockets.add(
                        FileDescriptorCast.unsafeUsing(FIRST + i)
                                .as(AFUNIXServerSocketChannel.class));
            }
        } else if (kind(0).startsWith("socket:")) {
            check(0, " (standard input)");
            sockets.add(
                    FileDescriptorCast.using(FileDescriptor.in)
                            .as(AFUNIXServerSocketChannel.class));
        }
        if (sockets.isEmpty()) {
            throw new IOException(
                    "no listening socket. Start this program through"
                            + " nix-post-build-hook-queue.socket, or to try it, with: systemd-socket-activate"
                            + " --listen=/tmp/queue.sock nix-post-build-hook-queue serve");
        }
        return sockets;
    }

    private static int count(String text) throws IOException {
        int count = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
        if (count < 1 || count > MOST) {
            throw new IOException("LISTEN_FDS is not a number from 1 to " + MOST + ": " + text);
        }
        return count;
    }

    /**
     * Looks the descriptor up in the kernel's list of Unix sockets: unix(7), /proc/net/unix in
     * proc(5).
     */
    private static void check(int fd, String name) throws IOException {
        String kind = kind(fd);
        String who = "descriptor " + fd + name;
        if (!kind.startsWith("socket:[")) {
            throw new IOException(who + " is not a socket but " + kind);
        }
        String inode = kind.substring("socket:[".length(), kind.length() - 1);
        for (String line :
                Files.readAllLines(Path.of("/proc/net/unix"), StandardCharsets.ISO_8859_1)) {
            if (!line.contains(inode)) { // there may be thousands, and splitting them takes time
                continue;
            }
            String[] columns = line.trim().split(" +");
            if (columns.length >= 7 && columns[6].equals(inode)) {
                if (!columns[4].equals(STREAM)) {
                    throw new IOException(
                            who + " is not a stream socket: the socket unit needs ListenStream=");
                }
                if ((Integer.parseInt(columns[3], 16) & LISTENING) == 0) {
                    throw new IOException(
                            who + " does not listen: the socket unit needs Accept=no");
                }
                return;
            }
        }
        throw new IOException(who + " is not a Unix socket");
    }

    private static String kind(int fd) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
        } catch (IOException e) {
            return "closed";
        }
    }
}
