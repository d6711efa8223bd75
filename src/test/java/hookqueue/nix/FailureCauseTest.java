package hookqueue.nix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.nix.FailureCause.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recorded error output of three versions of real Nix. */
class FailureCauseTest {
    private static final Path RECORDED = Path.of("src/test/resources/nix-output");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    cache-info-500            | UNAVAILABLE    | HTTP error 500
                    connection-refused        | UNREACHABLE    | connect to server
                    file-enospc               | UNAVAILABLE    | No space left on device
                    file-mkdir                | UNAVAILABLE    | creating directory
                    get-503-once              | BUSY           | HTTP error 503
                    head-503-once             | BUSY           | HTTP error 503
                    never-read-stalled-10     | UNKNOWN        | Timeout was reached
                    no-such-host              | UNREACHABLE    | resolve host
                    put-400                   | UNKNOWN        | HTTP error 400
                    put-401                   | UNAVAILABLE    | HTTP error 401
                    put-403                   | UNAVAILABLE    | HTTP error 403
                    put-404                   | UNKNOWN        | HTTP error 404
                    put-413                   | UNKNOWN        | HTTP error 413
                    put-429                   | BUSY           | HTTP error 429
                    put-500                   | UNAVAILABLE    | HTTP error 500
                    put-503                   | BUSY           | HTTP error 503
                    put-507                   | UNAVAILABLE    | HTTP error 507
                    put-narinfo-403           | UNAVAILABLE    | HTTP error 403
                    put-narinfo-500           | UNAVAILABLE    | HTTP error 500
                    ssh-connection-refused    | UNREACHABLE    | Connection refused
                    ssh-host-key-changed      | UNREACHABLE    | failed: changed key of [127.0.0.1]:
                    ssh-host-key-unknown      | UNREACHABLE    | Host key verification failed.
                    ssh-no-nix                | UNREACHABLE    | not found
                    ssh-no-such-host          | UNREACHABLE    | Could not resolve hostname
                    ssh-permission-denied     | UNREACHABLE    | Permission denied (publickey
                    ssh-ng-connection-refused | UNREACHABLE    | Connection refused
                    ssh-ng-host-key-changed   | UNREACHABLE    | failed: changed key of [127.0.0.1]:
                    ssh-ng-host-key-unknown   | UNREACHABLE    | Host key verification failed.
                    ssh-ng-no-nix             | UNREACHABLE    | not found
                    ssh-ng-no-such-host       | UNREACHABLE    | Could not resolve hostname
                    ssh-ng-permission-denied  | UNREACHABLE    | Permission denied (publickey
                    two-paths-put-500-once    | UNAVAILABLE    | HTTP error 500
                    unknown-scheme            | UNKNOWN_SCHEME | don't know how to open Nix store
                    """)
    void theCauseIsFoundInTheOutputOfEveryNixVersion(String name, Kind kind, String words)
            throws IOException {
        for (String version : List.of("2.8.0", "2.26.3", "2.34.8")) {
            var progress = new Progress();
            Files.readAllLines(RECORDED.resolve(version).resolve(name + ".txt")).forEach(progress);
            FailureCause cause = progress.cause();
            String told = version + ": " + cause;
            assertTrue(cause.text().contains(words), told);
            assertEquals(kind, cause.kind(), told);
            assertFalse(cause.text().matches("(?s).*[\\x00-\\x1f?].*"), told);
            assertFalse(cause.text().contains("error: "), told);
        }
    }

    @ParameterizedTest
    @CsvSource({"2.8.0, UNKNOWN_SCHEME", "2.26.3, UNKNOWN_SCHEME", "2.34.8, UNREACHABLE"})
    void debiansOlderVersionsHaveNoS3(String version, Kind kind) throws IOException {
        var progress = new Progress();
        Files.readAllLines(RECORDED.resolve(version).resolve("s3.txt")).forEach(progress);
        assertEquals(kind, progress.cause().kind());
    }

    /** s3 is above; get-403 is a success. */
    @Test
    void everyRecordedOutputIsTested() throws Exception {
        var recorded = new TreeSet<String>();
        try (Stream<Path> files = Files.list(RECORDED.resolve("2.8.0"))) {
            files.map(file -> file.getFileName().toString().replace(".txt", ""))
                    .forEach(recorded::add);
        }
        recorded.removeAll(List.of("s3", "get-403"));
        String table =
                FailureCauseTest.class
                        .getDeclaredMethod(
                                "theCauseIsFoundInTheOutputOfEveryNixVersion",
                                String.class,
                                Kind.class,
                                String.class)
                        .getAnnotation(CsvSource.class)
                        .textBlock();
        var checked = new TreeSet<String>();
        table.lines().forEach(line -> checked.add(line.split("\\|")[0].strip()));
        assertEquals(recorded, checked);
    }

    @Test
    void errorPagesAreLeftOutAndShortBodiesAreKept() {
        String error = "error: unable to upload 'http://c/nar/1.nar': HTTP error 500";
        assertEquals(
                "unable to upload 'http://c/nar/1.nar': HTTP error 500",
                FailureCause.of(
                                error + "\n\n       response body:\n\n       <html>\n<h1>error: x",
                                "")
                        .text());
        assertEquals(
                "unable to upload 'http://c/nar/1.nar': HTTP error 500: {\"error\": \"quota\"}",
                FailureCause.of(error + "; response body: {\"error\":\n \"quota\"}", "").text());
    }

    @Test
    void theCauseIsTheRemoteErrorBeforeTheLostConnection() {
        FailureCause cause =
                FailureCause.of(
                        "error: unexpected end-of-file",
                        "error: hash mismatch importing path '/nix/store/x'");
        assertEquals("hash mismatch importing path '/nix/store/x'", cause.text());
        assertEquals(Kind.UNKNOWN, cause.kind());
    }

    /** Observed with Nix 2.26 and the ssh of Debian 13. */
    @Test
    void theCauseIsSshsErrorAfterTheLostConnection() {
        var progress = new Progress();
        progress.accept(
                "@nix {\"action\":\"msg\",\"level\":0,\"msg\":"
                        + "\"error: failed to start SSH connection to 'nix-ssh@host'\"}");
        progress.accept("nix-ssh@host: Permission denied (publickey,password).\r");
        assertEquals(
                "nix-ssh@host: Permission denied (publickey,password).", progress.cause().text());
        assertEquals(Kind.UNREACHABLE, progress.cause().kind());
    }

    @Test
    void aRemoteCauseMayHaveSeveralLines() {
        var progress = new Progress();
        for (String line :
                List.of(
                        "Last login: today\r",
                        "error: hash mismatch importing path 'p';",
                        "         specified: sha256:1",
                        "         got:       sha256:2\r",
                        "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: unexpected end-of-file\"}")) {
            progress.accept(line);
        }
        assertEquals(
                "hash mismatch importing path 'p'; specified: sha256:1 got: sha256:2",
                progress.cause().text());
    }

    @Test
    void anotherProgramsLastLineIsNotTheCauseOfNixsOwnError() {
        assertEquals(
                "path 'p' is not valid",
                FailureCause.of("error: path 'p' is not valid", "some banner").text());
        assertEquals(
                "cannot connect to 'host'",
                FailureCause.of(
                                "error: cannot connect to 'host'",
                                "Warning: Permanently added 'host' to the list of known hosts.")
                        .text());
    }

    @Test
    void withoutAnErrorTheLastLineIsTheCause() {
        assertEquals("too large", FailureCause.of("", "too large").text());
        assertEquals("", FailureCause.of("", "").text());
    }
}
