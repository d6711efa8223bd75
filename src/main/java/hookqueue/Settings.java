package hookqueue;

import hookqueue.base.Filters;
import hookqueue.delivery.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The checked settings. {@link SettingsReader} names the variable, the range and the default of
 * each.
 *
 * @param storeDir without a slash at its end
 * @param batchSize with {@code parallel}, of the lane {@code sign}
 * @param own the settings that each destination may have for itself, beside its filters, by name
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
        Filters filters,
        Map<String, ForDestination> own,
        @Nullable Path metricsFile,
        String logLevel) {

    record ForDestination(int batchSize, int parallel, boolean substituteOnDestination) {}

    ForDestination of(String destination) {
        return Objects.requireNonNull(own.get(destination));
    }

    sealed interface Reading {
        /** {@code unknown}: variables {@code NPBHQ_*} that this program does not know. */
        record Good(Settings settings, List<String> unknown) implements Reading {}

        /** All mistakes, each with name, value and rule. */
        record Mistakes(List<String> all) implements Reading {}
    }

    static Reading read(Map<String, String> environment) {
        return new SettingsReader(environment).read();
    }
}
