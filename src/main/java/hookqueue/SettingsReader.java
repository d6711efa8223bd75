package hookqueue;

import hookqueue.base.Durations;
import hookqueue.base.Filter;
import hookqueue.base.Filters;
import hookqueue.base.Text;
import hookqueue.delivery.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Collects mistakes while it reads; a variable with a mistake gets its default. */
final class SettingsReader {
    private static final String PREFIX = "NPBHQ_";

    /** A destination's own one has its name after it: NPBHQ_BATCH_SIZE_office. */
    private static final List<String> MAY_BE_OWN =
            List.of("INCLUDE", "EXCLUDE", "BATCH_SIZE", "PARALLEL", "SUBSTITUTE_ON_DESTINATION");

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
                            "NPBHQ_CHILD",
                            "NPBHQ_SETTINGS_FILES"));

    SettingsReader(Map<String, String> environment) {
        this.environment = environment;
    }

    Settings.Reading read() {
        Settings settings = settings();
        return mistakes.isEmpty()
                ? new Settings.Reading.Good(settings, unknown())
                : new Settings.Reading.Mistakes(List.copyOf(mistakes));
    }

    private Settings settings() {
        Path signingKey = orNull("SIGNING_PRIVATE_KEY_PATH", SettingValues::absolute);
        List<Destination> destinations = destinations();
        if (signingKey == null && destinations.isEmpty() && mistakes.isEmpty()) {
            mistakes.add(
                    "neither NPBHQ_UPLOAD_TO nor NPBHQ_SIGNING_PRIVATE_KEY_PATH is set: nothing to do");
        }
        Function<String, Integer> toBatchSize = text -> SettingValues.number(text, 1, 10_000);
        Function<String, Integer> toParallel = text -> SettingValues.number(text, 1, 16);
        int batchSize = or("BATCH_SIZE", toBatchSize, 200);
        int parallel = or("PARALLEL", toParallel, 4);
        Filter filter = new Filter(rule("INCLUDE"), rule("EXCLUDE"));
        boolean substitute = or("SUBSTITUTE_ON_DESTINATION", SettingValues::yesOrNo, false);
        var own = new HashMap<String, Settings.ForDestination>();
        var filters = new HashMap<String, Filter>();
        for (Destination destination : destinations) {
            String name = destination.name();
            own.put(
                    name,
                    new Settings.ForDestination(
                            or("BATCH_SIZE_" + name, toBatchSize, batchSize),
                            or("PARALLEL_" + name, toParallel, parallel),
                            or(
                                    "SUBSTITUTE_ON_DESTINATION_" + name,
                                    SettingValues::yesOrNo,
                                    substitute)));
            Filter.Rule include = rule("INCLUDE_" + name);
            Filter.Rule exclude = rule("EXCLUDE_" + name);
            if (include != null || exclude != null) {
                filters.put(
                        name,
                        new Filter(
                                include == null ? filter.include() : include,
                                exclude == null ? filter.exclude() : exclude));
            }
        }
        checkNames(destinations);
        String state =
                environment.getOrDefault("STATE_DIRECTORY", "/var/lib/nix-post-build-hook-queue");
        return new Settings(
                signingKey,
                destinations,
                or("STATE_DIR", SettingValues::absolute, Path.of(state.split(":", 2)[0])),
                or(
                        "GCROOTS_DIR",
                        SettingValues::absolute,
                        Path.of("/nix/var/nix/gcroots/nix-post-build-hook-queue")),
                or("STORE_DIR", SettingValues::absolute, Path.of("/nix/store"))
                        .normalize()
                        .toString(),
                or("NIX", Function.identity(), "nix"),
                batchSize,
                parallel,
                or("IDLE_TIMEOUT", Durations::parse, Duration.ofSeconds(30)),
                or("STALL_TIMEOUT", SettingValues::atLeastASecond, Duration.ofMinutes(10)),
                or("MAX_ATTEMPTS", text -> SettingValues.number(text, 1, 1_000), 10),
                or("FAILED_RETENTION", Durations::parse, Duration.ofDays(30)),
                new Filters(filter, destinations.stream().map(Destination::name).toList(), filters),
                own,
                orNull("METRICS_FILE", SettingValues::absolute),
                or("LOG_LEVEL", SettingValues::level, "info"));
    }

    private Filter.@Nullable Rule rule(String name) {
        Pattern expression = orNull(name, SettingValues::pattern);
        return expression == null ? null : new Filter.Rule(PREFIX + name, expression);
    }

    /**
     * Reports the settings of a destination that does not exist. A name is lower case, and the
     * other settings are upper case, so no variable can be taken for both.
     */
    private void checkNames(List<Destination> destinations) {
        for (String variable : new TreeSet<>(environment.keySet())) {
            for (String setting : MAY_BE_OWN) {
                String start = PREFIX + setting + "_";
                if (variable.startsWith(start)
                        && known.add(variable)
                        && !environment.getOrDefault(variable, "").isEmpty()) {
                    mistakes.add(
                            variable
                                    + ": no destination of NPBHQ_UPLOAD_TO has this name"
                                    + " (it gives names as NAME=URL, in lower case; there are: "
                                    + named(destinations)
                                    + "): "
                                    + Text.quoted(variable.substring(start.length())));
                }
            }
        }
    }

    private static String named(List<Destination> destinations) {
        List<String> names =
                destinations.stream()
                        .filter(Destination.Named.class::isInstance)
                        .map(Destination::name)
                        .toList();
        return names.isEmpty() ? "none" : String.join(" ", names);
    }

    private List<String> unknown() {
        return environment.keySet().stream()
                .filter(name -> name.startsWith(PREFIX) && !known.contains(name))
                .sorted()
                .toList();
    }

    private List<Destination> destinations() {
        var found = new ArrayList<Destination>();
        var identities = new HashSet<String>();
        var names = new HashSet<String>();
        for (String word : or("UPLOAD_TO", Function.identity(), "").trim().split("\\s+")) {
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
}
