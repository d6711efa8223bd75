package hookqueue;

import hookqueue.base.Filters;
import hookqueue.delivery.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
 * @param filters {@code NPBHQ_INCLUDE} and {@code NPBHQ_EXCLUDE}, common and of single destinations
 * @param substituteOnDestination {@code NPBHQ_SUBSTITUTE_ON_DESTINATION}
 * @param own the other settings of single destinations, by name
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
        Filters filters,
        boolean substituteOnDestination,
        Map<String, ForDestination> own,
        @Nullable Path metricsFile,
        String logLevel) {

    /**
     * What a destination may have for itself alone, beside its filters.
     *
     * @param batchSize {@code NPBHQ_BATCH_SIZE}
     * @param parallel {@code NPBHQ_PARALLEL}
     * @param substituteOnDestination {@code NPBHQ_SUBSTITUTE_ON_DESTINATION}
     */
    record ForDestination(int batchSize, int parallel, boolean substituteOnDestination) {}

    ForDestination of(String destination) {
        ForDestination found = own.get(destination);
        return found != null
                ? found
                : new ForDestination(batchSize, parallel, substituteOnDestination);
    }

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

    /** Reads and checks all settings. */
    static Reading read(Map<String, String> environment) {
        var reader = new SettingsReader(environment);
        Settings settings = reader.settings();
        return reader.mistakes().isEmpty()
                ? new Reading.Good(settings, reader.unknown())
                : new Reading.Mistakes(List.copyOf(reader.mistakes()));
    }
}
