package hookqueue.nix;

import hookqueue.base.Text;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Nix's {@code --log-format internal-json} (activity and result types: {@code
 * src/libutil/logging.hh}): how far a copy is, and in whose words it failed. Lines that are not of
 * that format are kept as plain output.
 *
 * <p>Before 2.17 {@code nix copy} reports neither bytes nor counts ({@code
 * src/libstore/store-api.cc}, {@code copyPaths}), only the beginning and end of each path and how
 * many there are.
 *
 * <p>Over HTTP Nix reports the bytes of a path while it reads and compresses the NAR. What it has
 * sent is the progress of the upload; versions before 2.34 report none, so a path then counts when
 * it has been sent.
 *
 * <p>Written by the thread that reads the child's output, read by any.
 */
public final class Progress implements Consumer<String> {
    /** Begins each line of the format. */
    public static final String PREFIX = LogMessage.PREFIX;

    private static final int ACTIVITY_COPY_PATH = 100;
    private static final int ACTIVITY_FILE_TRANSFER = 101;
    private static final int ACTIVITY_COPY_PATHS = 103;
    private static final int RESULT_PROGRESS = 105;
    private static final int RESULT_EXPECTED = 106;
    private static final String ID = "\"id\":";
    private static final String PROGRESS_END = ",\"type\":" + RESULT_PROGRESS + "}";
    private static final Pattern ANNOUNCED = Pattern.compile("copying ([0-9]{1,9}) paths?");
    private static final List<String> OVER_HTTP =
            List.of(" to 'http://", " to 'https://", " to 's3://");
    private static final Pattern CHANGED_KEY =
            Pattern.compile(
                    "(?i).*host key for (\\S+) has changed and you have requested strict checking.");
    private static final String COPYING = "copying path '";
    private static final int LONGEST_PROGRESS = 200;
    private static final int MOST_UNREAD = 1_000;
    private static final int MOST_ACTIVITIES = 10_000;
    private static final int MOST_LINES = 40;
    private static final int MOST_PLAIN_AFTER_ERRORS = 5;
    private static final int LONGEST_LINE = 2_000;
    private static final int MOST_COPIED = 100;

    // Guarded by this, up to the end.
    /** The last unread progress of each activity; the key is the end of the line from the id on. */
    private final Map<String, String> unread = new HashMap<>();

    private final Map<Long, Integer> activities = new HashMap<>();
    private final Map<Long, Long> copying = new HashMap<>();
    private final Map<Long, Long> uploading = new HashMap<>();
    private final List<String> copied = new ArrayList<>();
    private final ArrayDeque<String> errors = new ArrayDeque<>();
    private final ArrayDeque<String> plain = new ArrayDeque<>();
    private String error = "";
    private String plainBeforeError = "";
    private boolean overHttp;
    private long bytesOfDone;
    private long bytesExpected;
    private long pathsDone;
    private long pathsExpected;
    private long pathsEnded;
    private long pathsAnnounced;

    /**
     * How far it is.
     *
     * @param bytes sent so far: uncompressed for paths that are complete, else as on the wire
     * @param bytesExpected to send in all, as far as is known, 0 when unknown
     * @param paths copied so far, dependencies included
     * @param pathsExpected to copy in all, 0 when unknown
     */
    public record Snapshot(long bytes, long bytesExpected, long paths, long pathsExpected) {
        /** Both, taken together. */
        public Snapshot plus(Snapshot other) {
            return new Snapshot(
                    bytes + other.bytes,
                    bytesExpected + other.bytesExpected,
                    paths + other.paths,
                    pathsExpected + other.pathsExpected);
        }
    }

    /**
     * Takes one line of output. Most of them are progress that later progress of the same activity
     * replaces, so only the last one is read.
     */
    @Override
    public synchronized void accept(String line) {
        if (line.length() <= LONGEST_PROGRESS
                && line.startsWith(PREFIX)
                && line.endsWith(PROGRESS_END)) {
            unread.put(line.substring(Math.max(0, line.lastIndexOf(ID))), line);
            if (unread.size() == MOST_UNREAD) {
                readAll();
            }
        } else {
            read(line);
        }
    }

    private void readAll() {
        List<String> lines = List.copyOf(unread.values());
        unread.clear();
        lines.forEach(this::read);
    }

    private void read(String line) {
        LogMessage message = LogMessage.read(line);
        if (message == null) {
            keep(plain, line.stripTrailing()); // ssh ends its lines with CR LF
        } else {
            note(message);
        }
    }

    /**
     * The last plain line, or a short message at the end that begins with {@code error:}. After a
     * changed host key, ssh's last line is the same as after an unknown one.
     */
    private String lastPlain() {
        var last = new ArrayDeque<String>();
        for (var lines = plain.descendingIterator(); lines.hasNext(); ) {
            String line = lines.next();
            last.addFirst(line);
            Matcher changed = CHANGED_KEY.matcher(line);
            if (changed.matches()) {
                return "Host key verification failed: changed key of " + changed.group(1);
            }
            if (line.startsWith("error:")) {
                return String.join(" ", last);
            }
            if (last.size() == MOST_PLAIN_AFTER_ERRORS) {
                break;
            }
        }
        return plain.isEmpty() ? "" : plain.getLast();
    }

    /** How far it is now. */
    public synchronized Snapshot snapshot() {
        readAll();
        Map<Long, Long> moving = overHttp ? uploading : copying;
        long bytes = bytesOfDone + moving.values().stream().mapToLong(Long::longValue).sum();
        return new Snapshot(
                bytes,
                bytesExpected,
                Math.max(pathsDone, pathsEnded),
                Math.max(pathsExpected, pathsAnnounced));
    }

    /** The base names of the paths that it began to copy; of many, the first hundred. */
    public synchronized List<String> copied() {
        return List.copyOf(copied);
    }

    /**
     * Nix's messages at level error, and the last plain output, where ssh and the other side give
     * the reason; empty if there are none.
     */
    public synchronized String complaint() {
        readAll();
        var lines = new ArrayList<>(errors);
        int most = errors.isEmpty() ? MOST_LINES : MOST_PLAIN_AFTER_ERRORS;
        plain.stream().skip(Math.max(0, plain.size() - most)).forEach(lines::add);
        return String.join("\n", lines);
    }

    /**
     * The reported cause of the failure; its text is empty if there is none. Nix may notice the
     * lost connection before ssh has written why, so ssh's line may follow Nix's message.
     */
    public synchronized FailureCause cause() {
        readAll();
        return FailureCause.of(error, plainBeforeError.isEmpty() ? lastPlain() : plainBeforeError);
    }

    private void note(LogMessage m) {
        switch (m.action()) {
            case "start" -> start(m);
            case "stop" -> {
                String last = unread.remove(ID + m.id() + PROGRESS_END);
                if (last != null) {
                    read(last);
                }
                pathsEnded += activities.remove(m.id(), ACTIVITY_COPY_PATH) ? 1 : 0;
                activities.remove(m.id());
                uploading.remove(m.id());
                Long bytes = copying.remove(m.id());
                if (bytes != null) {
                    bytesOfDone += bytes;
                }
            }
            case "result" -> result(m);
            case "msg" -> {
                if (m.level() == 0) {
                    error(m.text());
                }
            }
            default -> {} // other actions say nothing about progress
        }
    }

    /** Not all messages at this level are errors: some introduce one, others add a hint. */
    private void error(String text) {
        keep(errors, text);
        if (error.isEmpty() || Text.clean(text).startsWith("error:")) {
            plainBeforeError = error.isEmpty() ? lastPlain() : plainBeforeError;
            error = text;
        }
    }

    private void start(LogMessage m) {
        boolean copy = m.type() == ACTIVITY_COPY_PATH || m.type() == ACTIVITY_COPY_PATHS;
        if (copy && activities.size() < MOST_ACTIVITIES) {
            activities.put(m.id(), m.type());
        }
        if (m.type() == ACTIVITY_COPY_PATH) {
            copies(m.text());
        } else if (m.type() == ACTIVITY_FILE_TRANSFER
                && m.text().startsWith("uploading '")
                && uploading.size() < MOST_ACTIVITIES) {
            uploading.put(m.id(), 0L);
        }
        if (m.type() == ACTIVITY_COPY_PATHS) {
            Matcher announced = ANNOUNCED.matcher(m.text());
            pathsAnnounced += announced.matches() ? Long.parseLong(announced.group(1)) : 0;
        }
    }

    /** Reads {@code copying path '/nix/store/…' to '…'}. */
    private void copies(String text) {
        for (String scheme : OVER_HTTP) {
            overHttp |= text.contains(scheme);
        }
        if (copied.size() < MOST_COPIED && text.startsWith(COPYING)) {
            int end = text.indexOf('\'', COPYING.length());
            int slash = text.lastIndexOf('/', end);
            if (slash >= COPYING.length() && slash + 1 < end) {
                copied.add(text.substring(slash + 1, end));
            }
        }
    }

    private void result(LogMessage m) {
        long[] fields = m.fields();
        if (fields.length < 2) {
            return;
        }
        if (m.type() == RESULT_PROGRESS) {
            int activity = activities.getOrDefault(m.id(), 0);
            if (uploading.containsKey(m.id())) {
                uploading.put(m.id(), fields[0]);
            }
            if (activity == ACTIVITY_COPY_PATH) {
                copying.put(m.id(), fields[0]);
            } else if (activity == ACTIVITY_COPY_PATHS) {
                pathsDone = fields[0];
                pathsExpected = fields[1];
            }
        } else if (m.type() == RESULT_EXPECTED && fields[0] == ACTIVITY_COPY_PATH) {
            bytesExpected = fields[1];
        }
    }

    private static void keep(ArrayDeque<String> lines, String text) {
        for (String line : Text.clean(text).split("\n")) {
            if (!line.isBlank()) {
                lines.add(Text.shortened(line, LONGEST_LINE));
            }
            if (lines.size() > MOST_LINES) {
                lines.removeFirst();
            }
        }
    }
}
