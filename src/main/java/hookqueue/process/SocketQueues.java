package hookqueue.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Bytes in the kernel's queues of one TCP connection.
 *
 * @param sending written by the process, and not yet acknowledged by the peer
 * @param received from the peer, and not yet read by the process
 */
record SocketQueues(long sending, long received) {
    private static final int LOCAL = 1;
    private static final int QUEUES = 4;
    private static final int INODE = 9;

    /** Reads the queues of some inodes from {@code /proc/net/tcp} ({@code proc_net_tcp(5)}). */
    static Map<Long, SocketQueues> read(BufferedReader table, Set<Long> inodes) throws IOException {
        var found = new HashMap<Long, SocketQueues>();
        for (String line = table.readLine(); line != null; line = table.readLine()) {
            String[] fields = line.strip().split("\\s+");
            if (fields.length <= INODE || !fields[LOCAL].contains(":")) {
                continue; // the heading
            }
            long inode = Long.parseLong(fields[INODE]);
            if (inodes.contains(inode)) {
                String[] queues = fields[QUEUES].split(":");
                found.put(
                        inode,
                        new SocketQueues(
                                Long.parseLong(queues[0], 16), Long.parseLong(queues[1], 16)));
            }
        }
        return found;
    }

    /** The distance between two states, in bytes. */
    long distance(SocketQueues other) {
        return Math.max(Math.abs(sending - other.sending), Math.abs(received - other.received));
    }
}
