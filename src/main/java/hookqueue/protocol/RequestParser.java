package hookqueue.protocol;

import hookqueue.base.Durations;
import hookqueue.base.StorePath;
import hookqueue.base.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns one line of the protocol, without its line end, into a {@link Request}. It has no side
 * effects.
 */
record RequestParser(String storeDir) {
    /** Never throws: an invalid line becomes {@link Request.Bad}. */
    Request parse(String line) {
        List<String> words = words(line);
        if (words.size() > mostWords(line)) {
            return new Request.Bad(
                    "more words than a line of paths can have; nothing of it was queued");
        }
        if (words.isEmpty()) {
            return new Request.Enqueue(List.of(), List.of(), null);
        }
        String verb = words.getFirst();
        List<String> rest = words.subList(1, words.size());
        try {
            return switch (verb) {
                case "queue" -> queue(rest);
                case "status" -> new Request.Status(json(verb, rest));
                case "list" -> new Request.Listing(json(verb, rest));
                case "failed" -> new Request.Failures(json(verb, rest));
                case "wait" -> waiting(rest);
                case "watch" -> watch(rest);
                case "history" -> history(rest);
                case "verify" -> new Request.Verify(paths(rest));
                case "check" -> check(rest);
                case "retry" -> new Request.Retry(paths(rest));
                case "drop" -> drop(rest);
                case "pause" -> pause(rest);
                case "resume" -> alone(verb, rest, new Request.Resume());
                case "reload" -> alone(verb, rest, new Request.Reload());
                case "explain" -> explain(rest);
                case "metrics" -> alone(verb, rest, new Request.Metrics());
                case "help" -> alone(verb, rest, new Request.Help());
                case "version" -> alone(verb, rest, new Request.Version());
                default -> verb.startsWith("/") ? enqueue(words, null) : unknown(verb);
            };
        } catch (IllegalArgumentException e) {
            return new Request.Bad(String.valueOf(e.getMessage()));
        }
    }

    private static Request unknown(String verb) {
        return new Request.Bad(
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

    private static Request check(List<String> words) {
        return switch (String.join(" ", words)) {
            case "" -> new Request.Check(false);
            case "upload", "--upload" -> new Request.Check(true);
            default -> throw wrong("check takes nothing or --upload", words);
        };
    }

    private Request queue(List<String> words) {
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
        return enqueue(rest, tag);
    }

    private Request enqueue(List<String> words, @Nullable String tag) {
        var paths = new ArrayList<StorePath>(words.size());
        var refused = new ArrayList<String>();
        for (String word : words) {
            try {
                paths.add(StorePath.parse(storeDir, word));
            } catch (IllegalArgumentException e) {
                refused.add(
                        refused.size() < Request.MOST_REASONS
                                ? String.valueOf(e.getMessage())
                                : "");
            }
        }
        return new Request.Enqueue(paths, refused, tag);
    }

    private Request history(List<String> words) {
        boolean json = !words.isEmpty() && words.getFirst().equals("json");
        return new Request.History(json, paths(json ? words.subList(1, words.size()) : words));
    }

    private Request waiting(List<String> words) {
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
        return new Request.Wait(timeout, tag, paths);
    }

    private Request explain(List<String> words) {
        if (words.size() != 1) {
            throw new IllegalArgumentException("explain takes one path: explain PATH");
        }
        return new Request.Explain(StorePath.parse(storeDir, words.getFirst()));
    }

    private static Request watch(List<String> words) {
        if (words.size() > 1 && words.getFirst().equals("bars")) {
            return new Request.Watch(
                    Request.Watch.Form.BARS, Request.Screen.parse(words.subList(1, words.size())));
        }
        return switch (String.join(" ", words)) {
            case "" -> new Request.Watch(Request.Watch.Form.TEXT);
            case "json" -> new Request.Watch(Request.Watch.Form.JSON);
            case "bars" -> new Request.Watch(Request.Watch.Form.BARS);
            default -> throw wrong("watch takes nothing, json or bars", words);
        };
    }

    private static Request pause(List<String> words) {
        if (words.size() > 1) {
            throw wrong("pause takes nothing or a duration", words);
        }
        if (words.isEmpty()) {
            return new Request.Pause(null);
        }
        Duration time = Durations.parse(words.getFirst());
        if (time.isZero()) {
            throw new IllegalArgumentException("pause takes a duration longer than 0");
        }
        return new Request.Pause(time);
    }

    private static String tag(String word) {
        String tag = word.substring("tag=".length());
        if (!Request.TAG.matcher(tag).matches()) {
            throw new IllegalArgumentException(
                    "not a tag (1 to 100 of A-Z a-z 0-9 . _ : / @ + -, a letter or digit first): "
                            + Text.quoted(tag));
        }
        return tag;
    }

    private List<StorePath> paths(List<String> words) {
        return words.stream().map(word -> StorePath.parse(storeDir, word)).toList();
    }

    private Request drop(List<String> words) {
        if (words.isEmpty()) {
            throw new IllegalArgumentException(
                    "drop takes paths or a destination: drop PATH… or drop destination=NAME");
        }
        if (!words.getFirst().startsWith(Request.DESTINATION)) {
            return new Request.Drop(paths(words));
        }
        String name = words.getFirst().substring(Request.DESTINATION.length());
        if (words.size() > 1 || name.isEmpty()) {
            throw wrong(
                    "drop takes one destination and nothing else: drop destination=NAME", words);
        }
        return new Request.DropDestination(name);
    }

    private static boolean json(String verb, List<String> words) {
        if (words.isEmpty()) {
            return false;
        }
        if (words.equals(List.of("json"))) {
            return true;
        }
        throw wrong(verb + " takes nothing or json", words);
    }

    private static Request alone(String verb, List<String> words, Request request) {
        if (!words.isEmpty()) {
            throw wrong(verb + " takes nothing", words);
        }
        return request;
    }

    private static IllegalArgumentException wrong(String rule, List<String> words) {
        return new IllegalArgumentException(
                rule + ", not: " + Text.quoted(String.join(" ", words)));
    }
}
