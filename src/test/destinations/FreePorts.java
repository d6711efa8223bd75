import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;

/** {@code java FreePorts.java N}: prints N ports of the loopback that are free, all different. */
final class FreePorts {
    private FreePorts() {}

    public static void main(String[] args) throws IOException {
        var sockets = new ArrayList<ServerSocket>();
        for (int i = 0; i < Integer.parseInt(args[0]); i++) {
            sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        }
        for (var socket : sockets) {
            System.out.println(socket.getLocalPort());
            socket.close();
        }
    }
}
