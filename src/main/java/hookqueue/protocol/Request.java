package hookqueue.protocol;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One parsed line of the protocol. */
public sealed interface Request {
    /**
     * Queue these paths.
     *
     * @param paths the valid store paths
     * @param refused the reason for each other word; empty after the first {@link #MOST_REASONS}
     * @param tag for {@link Wait}, or null
     */
    record Enqueue(List<StorePath> paths, List<String> refused, @Nullable String tag)
            implements Request {}

    /** Report the state of the queue. */
    record Status(boolean json) implements Request {}

    /** List every unsettled path. */
    record Listing(boolean json) implements Request {}

    /** List every failed path. */
    record Failures(boolean json) implements Request {}

    /**
     * Answer when paths are settled.
     *
     * @param timeout the longest wait, or null
     * @param tag wait for the paths with this tag, or null
     * @param paths wait for these; for all without a tag
     */
    record Wait(@Nullable Duration timeout, @Nullable String tag, List<StorePath> paths)
            implements Request {}

    /**
     * Report progress until the queue is empty.
     *
     * @param screen for {@link Form#BARS}
     */
    record Watch(Form form, Screen screen) implements Request {
        /** With a terminal of the usual size. */
        public Watch(Form form) {
            this(form, Screen.USUAL);
        }

        /** The form of the report. */
        public enum Form {
            /** One line for people, whenever it changes. */
            TEXT,
            /** A JSON object a line. */
            JSON,
            /** Progress bars for a terminal. */
            BARS
        }
    }

    /**
     * The terminal of a client that shows progress bars.
     *
     * @param columns 20 to 1,000
     * @param rows 2 to 1,000
     * @param since where the watching began, as the worker said it, or empty for now
     */
    record Screen(int columns, int rows, String since) {
        static final Screen USUAL = new Screen(80, 24, "");
        private static final Pattern SIZE = Pattern.compile("([0-9]{1,4})x([0-9]{1,4})");

        static Screen parse(List<String> words) {
            var size = SIZE.matcher(words.getFirst());
            if (!size.matches() || words.size() > 2) {
                throw new IllegalArgumentException(
                        "watch bars takes COLUMNSxROWS and where it began, not: "
                                + Text.quoted(String.join(" ", words)));
            }
            return new Screen(
                    Math.clamp(Integer.parseInt(size.group(1)), 20, 1_000),
                    Math.clamp(Integer.parseInt(size.group(2)), 2, 1_000),
                    words.size() == 2 ? words.get(1) : "");
        }
    }

    /** Ask every destination for these paths; without paths, for all remembered deliveries. */
    record Verify(List<StorePath> paths) implements Request {}

    /** List remembered deliveries: of these paths, or all. */
    record History(boolean json, List<StorePath> paths) implements Request {}

    /** Make these paths due now; without paths, all failed and deferred ones. */
    record Retry(List<StorePath> paths) implements Request {}

    /** Forget these paths. */
    record Drop(List<StorePath> paths) implements Request {}

    /** Forget all that a destination still has to get. */
    record DropDestination(String name) implements Request {}

    /**
     * Start no new batch.
     *
     * @param time the duration, or null until {@link Resume}
     */
    record Pause(@Nullable Duration time) implements Request {}

    /** Start new batches again. */
    record Resume() implements Request {}

    /** Restart with new settings when no copy runs. */
    record Reload() implements Request {}

    /** Explain the state of a path. */
    record Explain(StorePath path) implements Request {}

    /** Print metrics as Prometheus text. */
    record Metrics() implements Request {}

    /** List the requests. */
    record Help() implements Request {}

    /** Print the version of the program. */
    record Version() implements Request {}

    /** An invalid line, and the reason. */
    record Bad(String reason) implements Request {}

    /** The most reasons in the reply to a line with many invalid words. */
    int MOST_REASONS = 100;

    /** What a destination's name follows. */
    String DESTINATION = "destination=";

    /** The rule for tags. */
    Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}");

    /**
     * Parses one line, without its line end. Never throws: an invalid line becomes {@link Bad}.
     *
     * @param storeDir the store directory that paths must be in
     */
    static Request parse(String storeDir, String line) {
        List<String> words = words(line);
        if (words.size() > mostWords(line)) {
            return new Bad("more words than a line of paths can have; nothing of it was queued");
        }
        if (words.isEmpty()) {
            return new Enqueue(List.of(), List.of(), null);
        }
        String verb = words.getFirst();
        List<String> rest = words.subList(1, words.size());
        try {
            return switch (verb) {
                case "queue" -> queue(storeDir, rest);
                case "status" -> new Status(json(verb, rest));
                case "list" -> new Listing(json(verb, rest));
                case "failed" -> new Failures(json(verb, rest));
                case "wait" -> waiting(storeDir, rest);
                case "watch" -> watch(rest);
                case "history" -> history(storeDir, rest);
                case "verify" -> new Verify(paths(storeDir, rest));
                case "retry" -> new Retry(paths(storeDir, rest));
                case "drop" -> drop(storeDir, rest);
                case "pause" -> pause(rest);
                case "resume" -> alone(verb, rest, new Resume());
                case "reload" -> alone(verb, rest, new Reload());
                case "explain" -> explain(storeDir, rest);
                case "metrics" -> alone(verb, rest, new Metrics());
                case "help" -> alone(verb, rest, new Help());
                case "version" -> alone(verb, rest, new Version());
                default -> verb.startsWith("/") ? enqueue(storeDir, words, null) : unknown(verb);
            };
        } catch (IllegalArgumentException e) {
            return new Bad(String.valueOf(e.getMessage()));
        }
    }

    private static Request unknown(String verb) {
        return new Bad(
                "neither a store path nor a word of this protocol (see help): "
                        + Text.quoted(verb));
    }

    /**
     * Bounds memory: half a million words in a line of 1 MiB would take fifty times its size. A
     * path has more than 32 characters.
     */
    private static int mostWords(String line) {
        return 100 + line.length() / 16;
    }

    /** Cuts at blanks only: {@code indexOf} needs no call for each character. */
    private static List<String> words(String line) {
        int most = mostWords(line);
        String blanks = line.replace('\t', ' ').replace('\r', ' ');
        var words = new ArrayList<String>();
        int start = 0;
        while (start < blanks.length() && words.size() <= most) {
            int end = blanks.indexOf(' ', start);
            if (end < 0) {
                end = blanks.length();
            }
            if (end > start) {
                words.add(blanks.substring(start, end));
            }
            start = end + 1;
        }
        return words;
    }

    private static Request queue(String storeDir, List<String> words) {
        @Nullable String tag = null;
        List<String> rest = words;
        if (!rest.isEmpty() && rest.getFirst().startsWith("tag=")) {
            tag = tag(rest.getFirst());
            rest = rest.subList(1, rest.size());
        }
        if (rest.isEmpty()) {
            throw new IllegalArgumentException(
                    "queue takes at least one path: queue [tag=T] PATH…");
        }
        return enqueue(storeDir, rest, tag);
    }

    private static Enqueue enqueue(String storeDir, List<String> words, @Nullable String tag) {
        var paths = new ArrayList<StorePath>(words.size());
        var refused = new ArrayList<String>();
        for (String word : words) {
            try {
                paths.add(StorePath.parse(storeDir, word));
            } catch (IllegalArgumentException e) {
                refused.add(refused.size() < MOST_REASONS ? String.valueOf(e.getMessage()) : "");
            }
        }
        return new Enqueue(paths, refused, tag);
    }

    private static Request history(String storeDir, List<String> words) {
        boolean json = !words.isEmpty() && words.getFirst().equals("json");
        return new History(json, paths(storeDir, json ? words.subList(1, words.size()) : words));
    }

    private static Request waiting(String storeDir, List<String> words) {
        @Nullable Duration timeout = null;
        @Nullable String tag = null;
        var paths = new ArrayList<StorePath>();
        for (String word : words) {
            if (word.startsWith("timeout=")) {
                timeout = Durations.parse(word.substring("timeout=".length()));
            } else if (word.startsWith("tag=")) {
                tag = tag(word);
            } else {
                paths.add(StorePath.parse(storeDir, word));
            }
        }
        if (tag != null && !paths.isEmpty()) {
            throw new IllegalArgumentException(
                    "wait takes a tag or paths, not both: wait [timeout=D] [tag=T | PATH…]");
        }
        return new Wait(timeout, tag, paths);
    }

    private static Request explain(String storeDir, List<String> words) {
        if (words.size() != 1) {
            throw new IllegalArgumentException("explain takes one path: explain PATH");
        }
        return new Explain(StorePath.parse(storeDir, words.getFirst()));
    }

    private static Request watch(List<String> words) {
        if (words.size() > 1 && words.getFirst().equals("bars")) {
            return new Watch(Watch.Form.BARS, Screen.parse(words.subList(1, words.size())));
        }
        return switch (String.join(" ", words)) {
            case "" -> new Watch(Watch.Form.TEXT);
            case "json" -> new Watch(Watch.Form.JSON);
            case "bars" -> new Watch(Watch.Form.BARS);
            default ->
                    throw new IllegalArgumentException(
                            "watch takes nothing, json or bars, not: "
                                    + Text.quoted(String.join(" ", words)));
        };
    }

    private static Request pause(List<String> words) {
        if (words.size() > 1) {
            throw new IllegalArgumentException(
                    "pause takes nothing or a duration, not: "
                            + Text.quoted(String.join(" ", words)));
        }
        if (words.isEmpty()) {
            return new Pause(null);
        }
        Duration time = Durations.parse(words.getFirst());
        if (time.isZero()) {
            throw new IllegalArgumentException("pause takes a duration longer than 0");
        }
        return new Pause(time);
    }

    private static String tag(String word) {
        String tag = word.substring("tag=".length());
        if (!TAG.matcher(tag).matches()) {
            throw new IllegalArgumentException(
                    "not a tag (1 to 100 of A-Z a-z 0-9 . _ : / @ + -, a letter or digit first): "
                            + Text.quoted(tag));
        }
        return tag;
    }

    private static List<StorePath> paths(String storeDir, List<String> words) {
        return words.stream().map(word -> StorePath.parse(storeDir, word)).toList();
    }

    private static Request drop(String storeDir, List<String> words) {
        if (words.isEmpty()) {
            throw new IllegalArgumentException(
                    "drop takes paths or a destination: drop PATH… or drop destination=NAME");
        }
        if (!words.getFirst().startsWith(DESTINATION)) {
            return new Drop(paths(storeDir, words));
        }
        String name = words.getFirst().substring(DESTINATION.length());
        if (words.size() > 1 || name.isEmpty()) {
            throw new IllegalArgumentException(
                    "drop takes one destination and nothing else: drop destination=NAME, not: "
                            + Text.quoted(String.join(" ", words)));
        }
        return new DropDestination(name);
    }

    private static boolean json(String verb, List<String> words) {
        if (words.isEmpty()) {
            return false;
        }
        if (words.equals(List.of("json"))) {
            return true;
        }
        throw new IllegalArgumentException(
                verb + " takes nothing or json, not: " + Text.quoted(String.join(" ", words)));
    }

    private static Request alone(String verb, List<String> words, Request request) {
        if (!words.isEmpty()) {
            throw new IllegalArgumentException(
                    verb + " takes nothing, not: " + Text.quoted(String.join(" ", words)));
        }
        return request;
    }
}
