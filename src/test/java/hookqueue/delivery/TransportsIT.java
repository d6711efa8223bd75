package hookqueue.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.base.StorePath;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The transports with the machine's own Nix and a separate store. */
@Timeout(120)
class TransportsIT {
    private static final StorePath MISSING =
            new StorePath("7hx47qyrz4065viqzzhdqi5jixgjys0z-missing");

    @TempDir private Path folder;
    private final Map<String, String> environment = new HashMap<>();
    private final ChildProcess children = new ChildProcess(Duration.ofSeconds(60));
    private final Progress progress = new Progress();
    private Path store;
    private Transports carriers;

    @BeforeEach
    void makeStore() throws IOException {
        store = Files.createDirectories(folder.toRealPath().resolve("store"));
        for (String name : List.of("STATE", "LOG", "CONF")) {
            Path made = Files.createDirectories(folder.resolve(name));
            environment.put("NIX_" + name + "_DIR", made.toString());
        }
        environment.put("NIX_STORE_DIR", store.toString());
        environment.put("HOME", folder.toString());
        environment.put("XDG_CACHE_HOME", folder.resolve("cache").toString());
        Files.writeString(
                folder.resolve("CONF/nix.conf"),
                "build-users-group =\nsandbox = false\nsubstituters =\nrequire-sigs = false\n");
        carriers = carriers("nix", children);
    }

    private Transports carriers(String nix, ChildProcess door) {
        return new Transports(new Nix(nix, store.toString()), door, environment);
    }

    @Test
    void nixReportsClosuresAndReferences() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("expression.nix"),
                        """
                        let make = name: text: derivation {
                            inherit name; system = builtins.currentSystem; builder = "/bin/sh";
                            args = [ "-c" "echo ${text} > $out" ];
                        }; in make "two" (make "one" "1")
                        """);
        String storeDir = store.toString();
        String output = run("nix-build", "--no-out-link", file.toString());
        StorePath two = StorePath.parse(storeDir, output.lines().toList().getLast());
        String needed = run("nix-store", "--query", "--references", two.in(storeDir));
        StorePath one = StorePath.parse(storeDir, needed);
        var closures = new NixClosures(new Nix("nix", store.toString()), children, environment);
        Map<Long, ClosureSource.Member> members = new HashMap<>();
        for (ClosureSource.Member member : closures.closures(List.of(two, MISSING)).orElseThrow()) {
            members.put(member.digest(), member);
        }
        assertEquals(2, members.size());
        long digest = ClosureGraph.digest(one);
        assertEquals(0, members.get(digest).references().length);
        ClosureSource.Member second = members.get(ClosureGraph.digest(two));
        assertEquals(List.of(digest), LongStream.of(second.references()).boxed().toList());
        String size = run("nix-store", "--query", "--size", two.in(storeDir));
        assertEquals(Long.parseLong(size), second.bytes());
    }

    @Test
    void pathsAreCopiedToABinaryCache() throws IOException {
        StorePath one = add("one", "1");
        StorePath two = add("two", "2");
        assertInstanceOf(DeliveryOutcome.Delivered.class, to(cache(), one, two));
        assertEquals(Set.of(narinfo(one), narinfo(two)), narinfos());
        assertEquals(2, progress.snapshot().paths());
        assertEquals(2, progress.snapshot().pathsExpected());
    }

    @Test
    void pathsThatTheDestinationAlreadyHasCountAsDelivered() throws IOException {
        StorePath one = add("one", "1");
        to(cache(), one);
        assertInstanceOf(DeliveryOutcome.Delivered.class, to(cache(), one));
    }

    @Test
    void pathsAreSignedWithTheKey() throws IOException {
        Path key = folder.resolve("key");
        String made =
                run("nix-store", "--generate-binary-cache-key", "t-1", key + "", folder + "/pub");
        assertEquals("", made);
        StorePath one = add("one", "1");
        assertInstanceOf(
                DeliveryOutcome.Delivered.class,
                carriers.sign(key, new RecentClosures(ClosureSource.NONE))
                        .carry(List.of(one), progress));
        to(cache(), one);
        String info = Files.readString(folder.resolve("binary").resolve(narinfo(one)));
        assertTrue(info.contains("\nSig: t-1:"), info);
    }

    @Test
    void anUnreadableKeyStopsTheLane() throws IOException {
        Path key = folder.resolve("no-key");
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Unusable.class,
                        carriers.sign(key, new RecentClosures(ClosureSource.NONE))
                                .carry(List.of(add("one", "1")), progress));
        assertEquals("the signing key " + key + " cannot be read", outcome.reason());
    }

    @Test
    void aDamagedKeyIsAFailureThatNamesNoPath() throws IOException {
        Path key = Files.writeString(folder.resolve("key"), "not a key");
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Refused.class,
                        carriers.sign(key, new RecentClosures(ClosureSource.NONE))
                                .carry(List.of(add("one", "1")), progress));
        assertTrue(outcome.reason().contains("key is corrupt"), outcome.reason());
    }

    @Test
    void anUnmountedStoreIsNotBlamedOnItsPaths() throws IOException {
        StorePath one = add("one", "1");
        Files.move(store, store.resolveSibling("not-mounted"));
        var outcome = assertInstanceOf(DeliveryOutcome.Unusable.class, to(cache(), one));
        assertTrue(outcome.reason().startsWith("the local store cannot be looked at: "));
        Files.move(store.resolveSibling("not-mounted"), store);
        assertInstanceOf(DeliveryOutcome.Delivered.class, to(cache(), one));
    }

    @Test
    void aDeletedPathIsInvalidAndNoChildStartsForIt() throws IOException {
        StorePath one = add("one", "1");
        var outcome = to("/no/such/nix", cache(), one, MISSING);
        assertEquals(
                new DeliveryOutcome.Invalid(Set.of(MISSING), "it is no longer in the local store"),
                outcome);
    }

    @Test
    void onlyPathsUnknownToNixAreInvalid() throws IOException {
        StorePath one = add("one", "1");
        Files.writeString(store.resolve(MISSING.baseName()), "put here behind Nix's back");
        var outcome = assertInstanceOf(DeliveryOutcome.Invalid.class, to(cache(), one, MISSING));
        assertEquals(Set.of(MISSING), outcome.paths());
        assertTrue(outcome.reason().startsWith("it is not valid in the local store: path '"));
        assertFalse(outcome.reason().contains("\u001b"), outcome.reason());
    }

    @Test
    void aStoreRefusesADamagedPathAndNamesIt() throws IOException {
        StorePath one = add("one", "1");
        StorePath two = add("two", "2");
        Path file = store.resolve(two.baseName());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Files.writeString(file, "X", StandardOpenOption.WRITE);
        String elsewhere = "local?root=" + Files.createDirectories(folder.resolve("elsewhere"));
        var outcome = assertInstanceOf(DeliveryOutcome.Refused.class, to(elsewhere, one, two));
        assertTrue(outcome.reason().startsWith("hash mismatch importing path"), outcome.reason());
    }

    @Test
    void aReadOnlyDestinationFailsWithItsOwnErrorText() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Unavailable.class,
                        to("file://" + file + "/cache", add("one", "1")));
        assertTrue(outcome.reason().contains("not a directory"), outcome.reason());
    }

    @Test
    void aMissingNixIsNotBlamedOnAPath() throws IOException {
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Unusable.class,
                        to("/no/such/nix", cache(), add("one", "1")));
        assertTrue(outcome.reason().startsWith("cannot start /no/such/nix: "), outcome.reason());
    }

    @Test
    void nixThatHangsIsAFailure() throws IOException {
        Path slow = script("slow", "echo waiting for the lock; exec sleep 600");
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Refused.class,
                        carriers(slow.toString(), new ChildProcess(Duration.ofMillis(500)))
                                .to(Destination.parse(cache()), false)
                                .carry(List.of(add("one", "1")), progress));
        assertEquals(
                "no progress for 500ms, so it was ended: waiting for the lock", outcome.reason());
    }

    @Test
    void anInterruptIsNeitherSuccessNorFailure() throws IOException {
        StorePath one = add("one", "1");
        Thread.currentThread().interrupt();
        assertEquals(new DeliveryOutcome.Cancelled(), to(cache(), one));
        assertTrue(Thread.interrupted());
    }

    @Test
    void aProgramGetsThePathsAsArgumentsAndInOutPaths() throws IOException {
        Path seen = folder.resolve("seen");
        Path program = script("push", "printf '%s|' \"$#\" \"$@\" \"$OUT_PATHS\" > " + seen);
        StorePath one = add("one", "1");
        StorePath two = add("two", "2");
        assertInstanceOf(DeliveryOutcome.Delivered.class, to("exec:" + program, one, two));
        String first = one.in(store.toString());
        String second = two.in(store.toString());
        assertEquals(
                String.join("|", "2", first, second, first + " " + second) + "|",
                Files.readString(seen));
    }

    @Test
    void aFailingProgramsErrorIsReportedAndMayNameAPath() throws IOException {
        StorePath one = add("one", "1");
        StorePath two = add("two", "2");
        Path program = script("push", "echo begin; echo \"$2: too large\" >&2; exit 7");
        var outcome =
                assertInstanceOf(DeliveryOutcome.Refused.class, to("exec:" + program, one, two));
        assertEquals(two.in(store.toString()) + ": too large", outcome.reason());
    }

    @Test
    void aSilentlyFailingProgramIsReportedWithItsStatus() throws IOException {
        Path program = script("push", "exit 7");
        var outcome =
                assertInstanceOf(
                        DeliveryOutcome.Refused.class, to("exec:" + program, add("one", "1")));
        assertEquals(program + " exited with status 7 and said nothing", outcome.reason());
    }

    private String cache() {
        return "file://" + folder.resolve("binary") + "?compression=none";
    }

    private DeliveryOutcome to(String destination, StorePath... paths) {
        return to("nix", destination, paths);
    }

    private DeliveryOutcome to(String nix, String destination, StorePath... paths) {
        return carriers(nix, children)
                .to(Destination.parse(destination), false)
                .carry(List.of(paths), progress);
    }

    private StorePath add(String name, String content) throws IOException {
        Path file = Files.writeString(folder.resolve(name), content);
        return StorePath.parse(store.toString(), run("nix-store", "--add", file.toString()));
    }

    private Path script(String name, String body) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + body + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }

    private String run(String... command) {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        ExitResult ending = children.run(List.of(command), environment, lines::add);
        assertTrue(ending.succeeded(), () -> Arrays.toString(command) + " " + ending + lines);
        return String.join("\n", lines);
    }

    private static String narinfo(StorePath path) {
        return path.baseName().substring(0, 32) + ".narinfo";
    }

    private Set<String> narinfos() {
        String[] names =
                folder.resolve("binary").toFile().list((dir, name) -> name.endsWith(".narinfo"));
        return names == null ? Set.of() : Set.of(names);
    }
}
