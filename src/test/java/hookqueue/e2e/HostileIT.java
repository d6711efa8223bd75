package hookqueue.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.FakeNix;
import hookqueue.testkit.WorkerProcess;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Untrusted text in every output of the real worker: it contains no terminal escapes and no
 * secrets.
 */
@Timeout(120)
class HostileIT {
    /** ESC, BEL, CR, a title, a C1 control, a right-to-left override, a line separator. */
    private static final String CODES =
            "\u001b[2J \u0007 \r \u001b]0;title\u0007 \u009bm \u202e \u2028 visible";

    private static final String SECRET = "hunter2";

    private World scratch;
    private Path path;

    @BeforeEach
    void begin() throws Exception {
        scratch = new World();
        path = scratch.store.resolve("7hx47qyrz4065viqzzhdqi5jixgjys0z-hello");
        Files.writeString(path, "x");
    }

    @AfterEach
    void end() throws Exception {
        scratch.close();
    }

    private static void assertPlain(String where, String text) {
        assertTrue(
                text.chars()
                        .allMatch(c ->
                                c == '\n'
                                        || c == '\t'
                                        || (c >= ' ' && c < 0x7f)
                                        || (c >= 0xa0
                                                && Character.getType(c) != Character.FORMAT
                                                && c != 0x2028)),
                () -> where + ": " + text);
    }

    private String say(String request) throws Exception {
        var reply = new StringBuilder();
        try (var client = new OtherClient(scratch.socket)) {
            client.send(request + "\n");
            String line = client.line();
            while (line != null && !line.startsWith("ok") && !line.startsWith("error")) {
                reply.append(line).append('\n');
                line = request.equals("watch") ? "ok" : client.line();
            }
            return reply.append(line).toString();
        }
    }

    @Test
    void nixOutputReachesATerminalSanitized() throws Exception {
        String coded = "error: \\u001b[31m \\u0007 \\r \\u009bm \\u202e \\u2028 \\nok visible";
        new FakeNix(scratch)
                .refuse(
                        "cache.invalid",
                        CODES
                                + " plain\n@nix {\"action\":\"msg\",\"level\":0,\"msg\":\""
                                + coded
                                + "\"}\n");
        scratch.set("NPBHQ_UPLOAD_TO", "https://me:" + SECRET + "@cache.invalid/");
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("ok queued 1", say(path.toString()));
            World.eventually(
                    Duration.ofSeconds(30),
                    "nix was asked, and has refused",
                    () -> worker.log().contains("visible"));
            for (String request :
                    List.of(
                            "status",
                            "status json",
                            "list",
                            "list json",
                            "failed",
                            "explain " + path,
                            "metrics",
                            "watch")) {
                String shown = say(request);
                assertPlain(request, shown);
                assertFalse(shown.contains(SECRET), shown);
            }
            assertTrue(say("list").contains("visible"), "it is shown, after all");
            assertEquals(2, say("list").lines().count(), "in one line");
            assertPlain("the journal", worker.log());
            assertFalse(worker.log().contains(SECRET), worker.log());
        }
    }

    @Test
    void programOutputReachesTheJournalSanitized() throws Exception {
        var nix = new FakeNix(scratch);
        Path program = nix.program("push");
        nix.refuse("push", CODES + "\n");
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program);
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("ok queued 1", say(path.toString()));
            World.eventually(
                    Duration.ofSeconds(30),
                    "the program has refused",
                    () -> worker.log().contains("visible"));
            assertPlain("list", say("list"));
            assertPlain("the journal", worker.log());
        }
    }

    /** /proc shows the arguments to every user, and the environment to the owner. */
    @Test
    void childrenGetThePathOfTheKeyAndNeverItsContent() throws Exception {
        String content = "test-1:" + "c2VjcmV0".repeat(10);
        Files.writeString(scratch.key, content);
        Path seen = new FakeNix(scratch).spy();
        scratch.set("NPBHQ_SIGNING_PRIVATE_KEY_PATH", scratch.key);
        scratch.set("NPBHQ_UPLOAD_TO", "file://" + scratch.dir.resolve("cache"));
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            assertEquals("ok queued 1", say(path.toString()));
            assertEquals("ok", say("wait"));
            String all = Files.readString(seen);
            assertTrue(all.contains("--key-file\n" + scratch.key + "\n"), all);
            assertEquals(
                    3,
                    all.lines().filter(line -> line.equals("done")).count(),
                    "path-info, sign, copy");
            assertFalse(all.contains(content), all);
            assertFalse(all.contains("socket:"), "no socket of the worker's: " + all);
            assertFalse(worker.log().contains(content), worker.log());
            for (String file : List.of("cmdline", "environ")) {
                assertFalse(
                        Files.readString(Path.of("/proc/" + worker.pid(), file)).contains(content));
            }
        }
    }

    /** A path begins with the store directory, so none can be an option, and no shell sees it. */
    @Test
    void aPathNameIsNeverAnOptionOrShellCode() throws Exception {
        String hash = "7hx47qyrz4065viqzzhdqi5jixgjys0";
        var hostile = new ArrayList<String>();
        for (String name : List.of("0--help", "1-=", "2-?", "3-+x.-_=?", "4-.", "5-..", "6-...")) {
            hostile.add(scratch.store + "/" + hash + name);
        }
        Path seen = scratch.dir.resolve("seen");
        Path program =
                scratch.script(
                        "push",
                        "#!/bin/sh\nfor path; do printf '%s\\n' \"$path\" >>" + seen + "; done\n");
        scratch.set("NPBHQ_UPLOAD_TO", "exec:" + program);
        for (String each : hostile.subList(0, 4)) {
            Files.writeString(Path.of(each), "x");
        }
        try (WorkerProcess worker = WorkerProcess.listen(scratch)) {
            for (String each :
                    List.of("-rf", "--help", hash + "0--help", "$(id)", "`id`", ";id", "./x")) {
                assertTrue(say(each).startsWith("error "), () -> each + worker.log());
            }
            for (String each : hostile.subList(4, 6)) {
                assertTrue(say(each).startsWith("error refused 1"), each);
            }
            assertEquals("ok queued 4", say(String.join(" ", hostile.subList(0, 4))));
            assertEquals("ok", say("wait"));
            assertEquals(
                    hostile.subList(0, 4), Files.readAllLines(seen).stream().sorted().toList());
        }
    }
}
