package hookqueue;

import hookqueue.base.Durations;
import hookqueue.base.Filter;
import hookqueue.base.Text;
import hookqueue.delivery.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * The checked settings, from the environment variables {@code NPBHQ_*}.
 *
 * @param signingKey {@code NPBHQ_SIGNING_PRIVATE_KEY_PATH}: signs every path before any upload; or
 *     null
 * @param destinations {@code NPBHQ_UPLOAD_TO}
 * @param stateDir {@code NPBHQ_STATE_DIR}
 * @param rootsDir {@code NPBHQ_GCROOTS_DIR}
 * @param storeDir {@code NPBHQ_STORE_DIR}, without a slash at its end
 * @param nix {@code NPBHQ_NIX}
 * @param batchSize {@code NPBHQ_BATCH_SIZE}, 1 to 10,000
 * @param parallel {@code NPBHQ_PARALLEL}, 1 to 16
 * @param idleTimeout {@code NPBHQ_IDLE_TIMEOUT}
 * @param stallTimeout {@code NPBHQ_STALL_TIMEOUT}, at least 1 s
 * @param maxAttempts {@code NPBHQ_MAX_ATTEMPTS}, 1 to 1,000
 * @param failedRetention {@code NPBHQ_FAILED_RETENTION}
 * @param filter {@code NPBHQ_INCLUDE} and {@code NPBHQ_EXCLUDE}
 * @param substituteOnDestination {@code NPBHQ_SUBSTITUTE_ON_DESTINATION}
 * @param metricsFile {@code NPBHQ_METRICS_FILE}, or null
 * @param logLevel {@code NPBHQ_LOG_LEVEL}
 */
record Settings(
        @Nullable Path signingKey,
        List<Destination> destinations,
        Path stateDir,
        Path rootsDir,
        String storeDir,
        String nix,
        int batchSize,
        int parallel,
        Duration idleTimeout,
        Duration stallTimeout,
        int maxAttempts,
        Duration failedRetention,
        Filter filter,
        boolean substituteOnDestination,
        @Nullable Path metricsFile,
        String logLevel) {

    /** The result of {@link #read}. */
    sealed interface Reading {
        /**
         * Valid settings.
         *
         * @param unknown variables {@code NPBHQ_*} that this program does not know
         */
        record Good(Settings settings, List<String> unknown) implements Reading {}

        /** All mistakes, each with name, value and rule. */
        record Mistakes(List<String> all) implements Reading {}
    }

    private static final String PREFIX = "NPBHQ_";

    /** Reads and checks all settings. */
    static Reading read(Map<String, String> environment) {
        var reader = new Reader(environment);
        Settings settings = reader.settings();
        return reader.mistakes.isEmpty()
                ? new Reading.Good(settings, reader.unknown())
                : new Reading.Mistakes(List.copyOf(reader.mistakes));
    }

    /** Collects mistakes while it reads; a variable with a mistake gets its default. */
    private static final class Reader {
        private final Map<String, String> environment;
        private final List<String> mistakes = new ArrayList<>();

        /** At first the variables of the hook, the client and the launcher. */
        private final Set<String> known =
                new HashSet<>(
                        Set.of(
                                "NPBHQ_SOCKET",
                                "NPBHQ_HOOK_TIMEOUT",
                                "NPBHQ_JAVA",
                                "NPBHQ_JAVA_OPTIONS",
                                "NPBHQ_CHILD"));

        Reader(Map<String, String> environment) {
            this.environment = environment;
        }

        Settings settings() {
            Path signingKey = orNull("SIGNING_PRIVATE_KEY_PATH", Reader::absolute);
            List<Destination> destinations = destinations();
            if (signingKey == null && destinations.isEmpty() && mistakes.isEmpty()) {
                mistakes.add(
                        "neither NPBHQ_UPLOAD_TO nor NPBHQ_SIGNING_PRIVATE_KEY_PATH is set: nothing to do");
            }
            String state =
                    environment.getOrDefault(
                            "STATE_DIRECTORY", "/var/lib/nix-post-build-hook-queue");
            return new Settings(
                    signingKey,
                    destinations,
                    or("STATE_DIR", Reader::absolute, Path.of(state.split(":", 2)[0])),
                    or(
                            "GCROOTS_DIR",
                            Reader::absolute,
                            Path.of("/nix/var/nix/gcroots/nix-post-build-hook-queue")),
                    or("STORE_DIR", Reader::absolute, Path.of("/nix/store")).normalize().toString(),
                    or("NIX", Function.identity(), "nix"),
                    or("BATCH_SIZE", text -> number(text, 1, 10_000), 200),
                    or("PARALLEL", text -> number(text, 1, 16), 4),
                    or("IDLE_TIMEOUT", Durations::parse, Duration.ofSeconds(30)),
                    or(
                            "STALL_TIMEOUT",
                            text -> atLeast(Duration.ofSeconds(1), text),
                            Duration.ofMinutes(10)),
                    or("MAX_ATTEMPTS", text -> number(text, 1, 1_000), 10),
                    or("FAILED_RETENTION", Durations::parse, Duration.ofDays(30)),
                    new Filter(
                            orNull("INCLUDE", Reader::pattern), orNull("EXCLUDE", Reader::pattern)),
                    or("SUBSTITUTE_ON_DESTINATION", Reader::yesOrNo, false),
                    orNull("METRICS_FILE", Reader::absolute),
                    or("LOG_LEVEL", Reader::level, "info"));
        }

        List<String> unknown() {
            return environment.keySet().stream()
                    .filter(name -> name.startsWith(PREFIX) && !known.contains(name))
                    .sorted()
                    .toList();
        }

        private List<Destination> destinations() {
            known.add(PREFIX + "UPLOAD_TO");
            var found = new ArrayList<Destination>();
            var identities = new HashSet<String>();
            var names = new HashSet<String>();
            for (String word :
                    environment.getOrDefault("NPBHQ_UPLOAD_TO", "").trim().split("\\s+")) {
                if (word.isEmpty()) {
                    continue;
                }
                try {
                    Destination destination = Destination.parse(word);
                    if (!identities.add(destination.identity())) {
                        mistakes.add(
                                "NPBHQ_UPLOAD_TO names the same destination twice: "
                                        + destination.name());
                    } else if (names.add(destination.name())) {
                        found.add(destination);
                    } else {
                        mistakes.add(
                                "NPBHQ_UPLOAD_TO gives two destinations one name: "
                                        + destination.name());
                    }
                } catch (IllegalArgumentException e) {
                    mistakes.add("NPBHQ_UPLOAD_TO: " + e.getMessage());
                }
            }
            return List.copyOf(found);
        }

        private <T> T or(String name, Function<String, T> parse, T standard) {
            T value = orNull(name, parse);
            return value == null ? standard : value;
        }

        /** Treats an empty variable as not set. */
        private <T> @Nullable T orNull(String name, Function<String, T> parse) {
            known.add(PREFIX + name);
            String text = environment.getOrDefault(PREFIX + name, "");
            if (text.isEmpty()) {
                return null;
            }
            try {
                return parse.apply(text);
            } catch (IllegalArgumentException e) {
                mistakes.add(PREFIX + name + ": " + e.getMessage());
                return null;
            }
        }

        private static Path absolute(String text) {
            if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("not an absolute path: " + Text.quoted(text));
            }
            return Path.of(text);
        }

        private static int number(String text, int least, int most) {
            try {
                int number = Integer.parseInt(text);
                if (number >= least && number <= most) {
                    return number;
                }
            } catch (NumberFormatException e) {
                throw notANumber(text, least, most, e);
            }
            throw notANumber(text, least, most, null);
        }

        private static IllegalArgumentException notANumber(
                String text, int least, int most, @Nullable Throwable cause) {
            return new IllegalArgumentException(
                    "not a whole number from " + least + " to " + most + ": " + Text.quoted(text),
                    cause);
        }

        private static Duration atLeast(Duration least, String text) {
            Duration duration = Durations.parse(text);
            if (duration.compareTo(least) < 0) {
                throw new IllegalArgumentException(
                        "shorter than " + Durations.shown(least) + ": " + Text.quoted(text));
            }
            return duration;
        }

        private static Pattern pattern(String text) {
            try {
                return Pattern.compile(text);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "not a regular expression ("
                                + e.getDescription()
                                + "): "
                                + Text.quoted(text),
                        e);
            }
        }

        private static boolean yesOrNo(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "true", "yes", "1" -> true;
                case "false", "no", "0" -> false;
                default ->
                        throw new IllegalArgumentException(
                                "neither true nor false: " + Text.quoted(text));
            };
        }

        private static String level(String text) {
            String lower = text.toLowerCase(Locale.ROOT);
            if (!Set.of("trace", "debug", "info", "warn", "error").contains(lower)) {
                throw new IllegalArgumentException(
                        "none of trace, debug, info, warn, error: " + Text.quoted(text));
            }
            return lower;
        }
    }
}
