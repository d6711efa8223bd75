package hookqueue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.delivery.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
    private static final Map<String, String> LEAST = Map.of("NPBHQ_UPLOAD_TO", "file:///cache");

    private static Settings good(Map<String, String> environment) {
        return assertInstanceOf(Settings.Reading.Good.class, Settings.read(environment)).settings();
    }

    private static List<String> mistakes(Map<String, String> environment) {
        return assertInstanceOf(Settings.Reading.Mistakes.class, Settings.read(environment)).all();
    }

    private static Map<String, String> with(String name, String value) {
        var environment = new HashMap<>(LEAST);
        environment.put(name, value);
        return environment;
    }

    @Test
    void everySettingButOneHasADefault() {
        Settings settings = good(LEAST);
        assertNull(settings.signingKey());
        assertEquals(List.of(new Destination.Store("file:///cache")), settings.destinations());
        assertEquals(Path.of("/var/lib/nix-post-build-hook-queue"), settings.stateDir());
        assertEquals(
                Path.of("/nix/var/nix/gcroots/nix-post-build-hook-queue"), settings.rootsDir());
        assertEquals("/nix/store", settings.storeDir());
        assertEquals("nix", settings.nix());
        assertEquals(200, settings.batchSize());
        assertEquals(Duration.ofSeconds(30), settings.idleTimeout());
        assertEquals(Duration.ofMinutes(10), settings.stallTimeout());
        assertEquals(10, settings.maxAttempts());
        assertEquals(Duration.ofDays(30), settings.failedRetention());
        assertTrue(
                settings.filters()
                        .common()
                        .test(new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-a")));
        assertEquals(false, settings.of("file:///cache").substituteOnDestination());
        assertNull(settings.metricsFile());
        assertEquals("info", settings.logLevel());
    }

    @Test
    void everySettingCanBeSet() {
        Settings settings =
                good(
                        Map.ofEntries(
                                Map.entry(
                                        "NPBHQ_UPLOAD_TO",
                                        " ssh://a \t s3://b?region=x\n exec:/p "),
                                Map.entry("NPBHQ_SIGNING_PRIVATE_KEY_PATH", "/key"),
                                Map.entry("NPBHQ_STATE_DIR", "/state"),
                                Map.entry("STATE_DIRECTORY", "/ignored"),
                                Map.entry("NPBHQ_GCROOTS_DIR", "/roots"),
                                Map.entry("NPBHQ_STORE_DIR", "/other/store/"),
                                Map.entry("NPBHQ_NIX", "/bin/nix"),
                                Map.entry("NPBHQ_BATCH_SIZE", "10000"),
                                Map.entry("NPBHQ_PARALLEL", "16"),
                                Map.entry("NPBHQ_IDLE_TIMEOUT", "0"),
                                Map.entry("NPBHQ_STALL_TIMEOUT", "1s"),
                                Map.entry("NPBHQ_MAX_ATTEMPTS", "1"),
                                Map.entry("NPBHQ_FAILED_RETENTION", "2h"),
                                Map.entry("NPBHQ_INCLUDE", "^hello"),
                                Map.entry("NPBHQ_EXCLUDE", "-doc$"),
                                Map.entry("NPBHQ_SUBSTITUTE_ON_DESTINATION", "Yes"),
                                Map.entry("NPBHQ_METRICS_FILE", "/metrics.prom"),
                                Map.entry("NPBHQ_LOG_LEVEL", "DEBUG")));
        assertEquals(Path.of("/key"), settings.signingKey());
        assertEquals(
                List.of("ssh://a", "s3://b?region=x", "exec:/p"),
                settings.destinations().stream().map(Destination::name).toList());
        assertEquals(Path.of("/state"), settings.stateDir());
        assertEquals(Path.of("/roots"), settings.rootsDir());
        assertEquals("/other/store", settings.storeDir());
        assertEquals("/bin/nix", settings.nix());
        assertEquals(10_000, settings.batchSize());
        assertEquals(Duration.ZERO, settings.idleTimeout());
        assertEquals(Duration.ofSeconds(1), settings.stallTimeout());
        assertEquals(1, settings.maxAttempts());
        assertEquals(Duration.ofHours(2), settings.failedRetention());
        assertTrue(
                settings.filters()
                        .common()
                        .test(new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-hello-2.12")));
        assertEquals(
                false,
                settings.filters()
                        .common()
                        .test(new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-hello-2.12-doc")));
        assertEquals(
                false,
                settings.filters()
                        .common()
                        .test(new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-other")));
        assertTrue(settings.of("ssh://a").substituteOnDestination());
        assertEquals(Path.of("/metrics.prom"), settings.metricsFile());
        assertEquals("debug", settings.logLevel());
    }

    @Test
    void aSigningKeyAloneIsEnoughButOneSettingIsRequired() {
        assertEquals(
                List.of(), good(Map.of("NPBHQ_SIGNING_PRIVATE_KEY_PATH", "/key")).destinations());
        assertEquals(
                List.of(
                        "neither NPBHQ_UPLOAD_TO nor NPBHQ_SIGNING_PRIVATE_KEY_PATH is set: nothing to do"),
                mistakes(Map.of()));
        assertEquals(
                List.of(
                        "neither NPBHQ_UPLOAD_TO nor NPBHQ_SIGNING_PRIVATE_KEY_PATH is set: nothing to do"),
                mistakes(Map.of("NPBHQ_UPLOAD_TO", "  ", "NPBHQ_SIGNING_PRIVATE_KEY_PATH", "")));
    }

    @Test
    void theStateDirectoryIsSystemdsFirstOne() {
        assertEquals(Path.of("/a"), good(with("STATE_DIRECTORY", "/a:/b")).stateDir());
    }

    @Test
    void anEmptyVariableCountsAsNotSet() {
        assertEquals(200, good(with("NPBHQ_BATCH_SIZE", "")).batchSize());
        assertEquals(4, good(with("NPBHQ_PARALLEL", "")).parallel());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NPBHQ_SIGNING_PRIVATE_KEY_PATH | key | not an absolute path: key",
                "NPBHQ_STATE_DIR | state | not an absolute path: state",
                "NPBHQ_GCROOTS_DIR | ./roots | not an absolute path: ./roots",
                "NPBHQ_STORE_DIR | nix | not an absolute path: nix",
                "NPBHQ_METRICS_FILE | m.prom | not an absolute path: m.prom",
                "NPBHQ_BATCH_SIZE | 0 | not a whole number from 1 to 10000: 0",
                "NPBHQ_BATCH_SIZE | 10001 | not a whole number from 1 to 10000: 10001",
                "NPBHQ_BATCH_SIZE | many | not a whole number from 1 to 10000: many",
                "NPBHQ_PARALLEL | 0 | not a whole number from 1 to 16: 0",
                "NPBHQ_PARALLEL | 17 | not a whole number from 1 to 16: 17",
                "NPBHQ_MAX_ATTEMPTS | -1 | not a whole number from 1 to 1000: -1",
                "NPBHQ_STALL_TIMEOUT | 999ms | shorter than 1.0s: 999ms",
                "NPBHQ_SUBSTITUTE_ON_DESTINATION | maybe | neither true nor false: maybe",
                "NPBHQ_LOG_LEVEL | loud | none of trace, debug, info, warn, error: loud",
                "NPBHQ_INCLUDE | a( | not a regular expression (Unclosed group): a(",
                "NPBHQ_EXCLUDE | [ | not a regular expression (Unclosed character class): [",
                "NPBHQ_IDLE_TIMEOUT | 1 minute | not a duration (a whole number with one of the"
                        + " units ms, s, min, h, d, or bare for seconds): 1 minute",
                "NPBHQ_FAILED_RETENTION | 36501d | a duration longer than 36500d: 36501d",
            })
    void aMistakeIsReportedByNameValueAndRule(String name, String value, String reason) {
        assertEquals(List.of(name + ": " + reason), mistakes(with(name, value)));
    }

    @Test
    void aDestinationMayHaveSettingsOfItsOwn() {
        Settings settings =
                good(
                        Map.ofEntries(
                                Map.entry("NPBHQ_UPLOAD_TO", "home=ssh://a office=ssh://b ssh://c"),
                                Map.entry("NPBHQ_EXCLUDE", "-doc$"),
                                Map.entry("NPBHQ_BATCH_SIZE", "100"),
                                Map.entry("NPBHQ_INCLUDE_office", "^hello"),
                                Map.entry("NPBHQ_PARALLEL_office", "1"),
                                Map.entry("NPBHQ_SUBSTITUTE_ON_DESTINATION_office", "yes"),
                                Map.entry("NPBHQ_BATCH_SIZE_home", "7"),
                                Map.entry("NPBHQ_EXCLUDE_home", "")));
        assertEquals(new Settings.ForDestination(100, 1, true), settings.of("office"));
        assertEquals(new Settings.ForDestination(7, 4, false), settings.of("home"));
        assertEquals(new Settings.ForDestination(100, 4, false), settings.of("ssh://c"));
        var doc = new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-hello-doc");
        var other = new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-other");
        assertEquals(List.of("home", "office", "ssh://c"), settings.filters().destinations());
        assertEquals(Set.of("home", "office", "ssh://c"), settings.filters().excluding(doc));
        assertEquals(Set.of("office"), settings.filters().excluding(other));
    }

    /** Names are lower case and the other settings upper case, so no variable is both. */
    @Test
    void aDestinationsOwnSettingIsNeverTakenForAnother() {
        Settings settings =
                good(
                        Map.of(
                                "NPBHQ_UPLOAD_TO", "size=ssh://a batch_size=ssh://b",
                                "NPBHQ_BATCH_SIZE", "1",
                                "NPBHQ_BATCH_SIZE_size", "2",
                                "NPBHQ_BATCH_SIZE_batch_size", "3",
                                "NPBHQ_PARALLEL_batch_size", "5"));
        assertEquals(1, settings.batchSize());
        assertEquals(2, settings.of("size").batchSize());
        assertEquals(3, settings.of("batch_size").batchSize());
        assertEquals(4, settings.of("size").parallel());
        assertEquals(5, settings.of("batch_size").parallel());
    }

    @Test
    void anOwnSettingForNoDestinationIsAMistakeAlsoInUpperCase() {
        String rule =
                ": no destination of NPBHQ_UPLOAD_TO has this name (it gives names as NAME=URL, in lower"
                        + " case; there are: office): ";
        assertEquals(
                List.of(
                        "NPBHQ_PARALLEL_office: not a whole number from 1 to 16: 0",
                        "NPBHQ_BATCH_SIZE_OFFICE" + rule + "OFFICE",
                        "NPBHQ_INCLUDE_home" + rule + "home"),
                mistakes(
                        Map.of(
                                "NPBHQ_UPLOAD_TO", "office=ssh://a ssh://b",
                                "NPBHQ_INCLUDE_home", "x",
                                "NPBHQ_EXCLUDE_home", "",
                                "NPBHQ_PARALLEL_office", "0",
                                "NPBHQ_BATCH_SIZE_OFFICE", "3")));
    }

    @Test
    void aMalformedDestinationIsAMistake() {
        assertEquals(
                List.of(
                        "NPBHQ_UPLOAD_TO: not a Nix store URL (ssh://, ssh-ng://, s3://, http(s)://, file://, …)"
                                + " nor exec:/path/program, with NAME= before it or without"
                                + " (NAME: a-z, then a-z 0-9 _, at most 32): cache.example",
                        "NPBHQ_UPLOAD_TO: not an absolute path after exec: (exec:/path/program): exec:prog"),
                mistakes(Map.of("NPBHQ_UPLOAD_TO", "cache.example file:///a exec:prog")));
    }

    @Test
    void destinationsMayHaveUniqueNames() {
        assertEquals(
                List.of("main", "exec:/bin/x"),
                good(with("NPBHQ_UPLOAD_TO", "main=ssh://a?x=y exec:/bin/x"))
                        .destinations()
                        .stream()
                        .map(Destination::name)
                        .toList());
        assertEquals(
                List.of(
                        "NPBHQ_UPLOAD_TO gives two destinations one name: a",
                        "NPBHQ_UPLOAD_TO names the same destination twice: c",
                        "NPBHQ_UPLOAD_TO: not a destination's name (the lane that signs has it): sign"),
                mistakes(Map.of("NPBHQ_UPLOAD_TO", "a=ssh://a a=ssh://b c=ssh://A/ sign=ssh://d")));
    }

    @Test
    void aSchemeThatNixDoesNotHaveIsRefused() {
        assertEquals(
                List.of(
                        "NPBHQ_UPLOAD_TO: Nix has no store with the scheme htp:// (but ssh, ssh-ng, s3,"
                                + " http, https, file, local, unix, daemon, auto): htp://cache"),
                mistakes(Map.of("NPBHQ_UPLOAD_TO", "htp://cache")));
    }

    @Test
    void twoSpellingsOfOneDestinationAreOneMistake() {
        assertEquals(
                List.of("NPBHQ_UPLOAD_TO names the same destination twice: ssh://HOST:22/"),
                mistakes(Map.of("NPBHQ_UPLOAD_TO", "ssh://host ssh://HOST:22/")));
    }

    @Test
    void allMistakesAreReportedAtOnce() {
        assertEquals(
                List.of(
                        "NPBHQ_UPLOAD_TO: not an absolute path after exec: (exec:/path/program): exec:x",
                        "NPBHQ_BATCH_SIZE: not a whole number from 1 to 10000: 0",
                        "NPBHQ_STATE_DIR: not an absolute path: here",
                        "NPBHQ_LOG_LEVEL: none of trace, debug, info, warn, error: loud"),
                mistakes(
                        Map.of(
                                "NPBHQ_UPLOAD_TO", "exec:x",
                                "NPBHQ_STATE_DIR", "here",
                                "NPBHQ_BATCH_SIZE", "0",
                                "NPBHQ_LOG_LEVEL", "loud")));
    }

    @Test
    void unknownVariablesAreReportedButNotThoseOfHookAndClient() {
        var environment = new HashMap<>(LEAST);
        environment.putAll(
                Map.of(
                        "NPBHQ_UPLOADTO", "x",
                        "NPBHQ_BATCHSIZE", "1",
                        "NPBHQ_SOCKET", "/s",
                        "NPBHQ_HOOK_TIMEOUT", "1s",
                        "OTHER", "x"));
        var reading = assertInstanceOf(Settings.Reading.Good.class, Settings.read(environment));
        assertEquals(List.of("NPBHQ_BATCHSIZE", "NPBHQ_UPLOADTO"), reading.unknown());
    }
}
