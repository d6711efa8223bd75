package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.delivery.ClosureSource;
import hookqueue.delivery.DeliveryOutcome;
import hookqueue.delivery.Destination;
import hookqueue.delivery.RecentClosures;
import hookqueue.delivery.Transports;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import hookqueue.process.ChildProcess;
import hookqueue.testkit.CacheServer;
import hookqueue.testkit.World;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every installed version of real Nix, with a faulty binary cache. */
@ParameterizedClass
@MethodSource("versions")
@Timeout(120)
class NixTransportIT {
    private static final String CHAIN =
            "let mk = n: dep: derivation { name = n; system = builtins.currentSystem;"
                    + " builder = \"/bin/sh\"; args = [ \"-c\" \"echo ${n} ${dep} > $out\" ]; };"
                    + " a = mk \"a\" \"\"; b = mk \"b\" \"${a}\"; c = mk \"c\" \"${a}\"; in [ a b c ]";

    private final String version;
    private World scratch;
    private CacheServer cache;
    private Transports transports;

    NixTransportIT(String version) {
        this.version = version;
    }

    static List<String> versions() {
        return NixVersions.all();
    }

    @BeforeEach
    void begin() throws IOException {
        scratch = new World();
        cache = new CacheServer(scratch.dir.resolve("binary"), scratch.store.toString());
        transports =
                new Transports(
                        new Nix(NixVersions.program(version, scratch), scratch.store.toString()),
                        new ChildProcess(Duration.ofSeconds(60)),
                        scratch.environment());
    }

    @AfterEach
    void end() throws IOException {
        cache.close();
        scratch.close();
    }

    @Test
    void uploadsALostPathAgain() throws IOException {
        String path = scratch.build("lost", 1).getFirst();
        delivered(path);
        cache.lose(path);
        delivered(path);
        assertTrue(cache.has(path));
    }

    @Test
    void uploadsALostDependencyAgain() throws IOException {
        List<String> chain = scratch.build(CHAIN);
        delivered(chain.get(1));
        cache.lose(chain.get(0));
        delivered(chain.get(2));
        assertTrue(cache.has(chain.get(0)));
        assertTrue(cache.has(chain.get(2)));
    }

    @Test
    void aPathIsNotDeliveredIfTheDestinationCannotBeQueried() throws IOException {
        String path = scratch.build("asked", 1).getFirst();
        delivered(path);
        cache.stop();
        var outcome = assertInstanceOf(DeliveryOutcome.Unreachable.class, copy(path));
        assertTrue(outcome.reason().contains("connect to server"), outcome.reason());
    }

    /** The cause that an HTTP status to an upload proves, within the time of one attempt. */
    @ParameterizedTest
    @CsvSource({
        "429, Busy",
        "503, Busy",
        "500, Unavailable",
        "507, Unavailable",
        "403, Unavailable",
        "413, Refused"
    })
    void anHttpStatusDeterminesTheCause(int status, String kind) throws IOException {
        String path = scratch.build("status", 1).getFirst();
        cache.refuse("PUT", "^/nar/", status, 1);
        long began = System.nanoTime();
        DeliveryOutcome outcome = copy(path);
        long seconds = Duration.ofNanos(System.nanoTime() - began).toSeconds();
        assertEquals(kind, outcome.getClass().getSimpleName(), outcome::toString);
        assertTrue(outcome.toString().contains("HTTP error " + status), outcome::toString);
        assertEquals(1, cache.count("PUT", "^/nar/"), "the queue retries, not Nix");
        assertTrue(seconds < 30, () -> seconds + " s");
        delivered(path);
        assertTrue(cache.has(path));
    }

    @Test
    void signsDependenciesThatAreOlderThanTheKey() throws IOException {
        List<String> chain = scratch.build(CHAIN);
        String publicKey = scratch.signing();
        signed(chain.get(1));
        assertEquals(List.of("test-1"), signatures(chain.get(0)));
        delivered(chain.get(1));
        World.Result fetched = fetch(chain.get(1), publicKey);
        assertEquals(0, fetched.status(), fetched.errors());
        delivered(chain.get(2));
        assertNotEquals(0, fetch(chain.get(2), publicKey).status(), "it has no signature");
        assertEquals(List.of(), signatures(chain.get(2)), "only what is uploaded gets a signature");
    }

    @Test
    void signsOnlyLocallyBuiltPaths() throws IOException {
        List<String> chain = scratch.build(CHAIN);
        // like a path from another machine: exported, deleted, imported
        scratch.run(
                "sh",
                "-c",
                "nix-store --export " + chain.get(0) + " > " + scratch.dir + "/exported");
        scratch.run("nix-store", "--delete", chain.get(1), chain.get(2), chain.get(0));
        scratch.run("sh", "-c", "nix-store --import < " + scratch.dir + "/exported");
        scratch.build(CHAIN);
        scratch.signing();
        signed(chain.get(1));
        assertEquals(List.of(), signatures(chain.get(0)));
        assertEquals(List.of("test-1"), signatures(chain.get(1)));
        signed(chain.get(0));
        assertEquals(List.of("test-1"), signatures(chain.get(0)), "queued itself, it is");
    }

    @Test
    void deliversDerivationsWithoutBuildingThem() throws IOException {
        String foreign =
                instantiated(
                        "derivation { name = \"foreign\"; system = \"mips-linux\"; builder ="
                                + " \"/bin/sh\"; }");
        String own =
                instantiated(
                        "derivation { name = \"own\"; system = builtins.currentSystem; builder ="
                                + " \"/bin/sh\"; args = [ \"-c\" \"echo > $out\" ]; }");
        String built = scratch.build("built", 1).getFirst();
        scratch.signing();
        signed(foreign, own, built);
        delivered(foreign, own, built);
        assertTrue(cache.has(foreign));
        assertTrue(cache.has(own));
        assertTrue(cache.has(built));
        assertEquals(
                List.of(),
                World.names(scratch.store).stream()
                        .filter(name -> name.matches(".*-(own|foreign)"))
                        .toList());
        assertEquals(List.of("test-1"), signatures(built));
    }

    /**
     * A limit of Nix: the output arrives, but not the realisation that would tell another machine
     * which output the derivation has. It fails when a version copies realisations.
     */
    @Test
    void copiesNoRealisationsOfContentAddressedDerivations() throws IOException {
        scratch.configure("experimental-features = nix-command ca-derivations");
        String path =
                scratch.build(
                                "[ (derivation { name = \"ca\"; system = builtins.currentSystem;"
                                        + " builder = \"/bin/sh\"; args = [ \"-c\" \"echo > $out\" ];"
                                        + " __contentAddressed = true; outputHashMode = \"recursive\";"
                                        + " outputHashAlgo = \"sha256\"; }) ]")
                        .getFirst();
        delivered(path);
        assertTrue(cache.has(path));
        assertEquals(0, cache.count("PUT", "realisations|build-trace"));
    }

    /** Nix says nothing new while it sends, before 2.34; the data in the buffers takes 2 s. */
    @Test
    void aSlowUploadIsNotEnded() throws IOException {
        String path = large(12_000_000);
        cache.bytesPerSecond(1_000_000);
        assertInstanceOf(DeliveryOutcome.Delivered.class, impatient(path));
        assertTrue(cache.has(path));
    }

    @Test
    void anUploadThatTheServerDoesNotReadIsEnded() throws IOException {
        String path = large(12_000_000);
        cache.neverRead();
        var outcome = assertInstanceOf(DeliveryOutcome.Refused.class, impatient(path));
        assertTrue(outcome.reason().startsWith("no progress for 3.0s"), outcome.reason());
    }

    private DeliveryOutcome impatient(String path) {
        return new Transports(
                        transports.nix(),
                        new ChildProcess(Duration.ofSeconds(3)),
                        scratch.environment())
                .to(Destination.parse(cache.url()), false)
                .carry(parsed(path), new Progress());
    }

    private String large(int bytes) throws IOException {
        byte[] content = new byte[bytes];
        new Random(1).nextBytes(content);
        Path file = Files.write(scratch.dir.resolve("large"), content);
        return scratch.run("nix-store", "--add", file.toString()).strip();
    }

    private void delivered(String... paths) {
        assertInstanceOf(DeliveryOutcome.Delivered.class, copy(paths));
    }

    private DeliveryOutcome copy(String... paths) {
        return transports
                .to(Destination.parse(cache.url()), false)
                .carry(parsed(paths), new Progress());
    }

    private void signed(String... paths) {
        assertInstanceOf(
                DeliveryOutcome.Delivered.class,
                transports
                        .sign(scratch.key, new RecentClosures(ClosureSource.NONE))
                        .carry(parsed(paths), new Progress()));
    }

    private List<StorePath> parsed(String... paths) {
        return Arrays.stream(paths)
                .map(path -> StorePath.parse(scratch.store.toString(), path))
                .toList();
    }

    /** The names of the keys that signed a path in the local store. */
    private List<String> signatures(String path) throws IOException {
        String[] words = scratch.run("nix", "path-info", "--sigs", path).strip().split("\\s+");
        return Pattern.compile(" ")
                .splitAsStream(String.join(" ", words))
                .skip(1)
                .filter(word -> word.contains(":"))
                .map(word -> word.substring(0, word.indexOf(':')))
                .toList();
    }

    /** Another store, which trusts only this key, fetches the path with its closure. */
    private World.Result fetch(String path, String publicKey) throws IOException {
        Path elsewhere = Files.createDirectories(scratch.dir.resolve("elsewhere"));
        return scratch.attempt(
                "nix",
                "copy",
                "--from",
                "file://" + scratch.dir.resolve("binary"),
                "--to",
                "local?root=" + elsewhere + "&require-sigs=true",
                "--option",
                "trusted-public-keys",
                publicKey,
                path);
    }

    private String instantiated(String expression) throws IOException {
        return scratch.run("nix-instantiate", "--expr", expression).strip();
    }
}
