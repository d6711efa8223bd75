package hookqueue.testkit;

import java.util.regex.Pattern;

/** Answers {@code status} to requests that match, {@code left} times. */
final class Refusal {
    private final String method;
    private final Pattern path;
    private final int status;
    private int left;

    Refusal(String method, Pattern path, int status, int times) {
        this.method = method;
        this.path = path;
        this.status = status;
        this.left = times;
    }

    synchronized boolean takes(String method, String path) {
        if (left == 0 || !method.matches(this.method) || !this.path.matcher(path).find()) {
            return false;
        }
        left--;
        return true;
    }

    int status() {
        return status;
    }
}
