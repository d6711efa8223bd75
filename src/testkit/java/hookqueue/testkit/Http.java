package hookqueue.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The parts of HTTP/1.1 that {@link CacheServer} needs. */
final class Http {
    private Http() {}

    /** Answers with a file, if the status is 200 and the request is no PUT. */
    static void respond(OutputStream out, int status, String method, Path file) throws IOException {
        boolean found = status == 200 && !method.equals("PUT");
        byte[] content = found ? Files.readAllBytes(file) : new byte[0];
        String head =
                "HTTP/1.1 " + status + " Status\r\nContent-Length: " + content.length + "\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        if (method.equals("GET")) {
            out.write(content);
        }
        out.flush();
    }

    /** A line without its CR LF; empty at the end of the stream. */
    static String line(InputStream in) throws IOException {
        var text = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                text.append((char) c);
            }
            if (text.length() > 8_192) {
                throw new IOException("a line of more than 8192 bytes");
            }
        }
        return text.toString();
    }
}
