package hookqueue.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import hookqueue.testkit.Tools;
import hookqueue.testkit.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * A child in uninterruptible sleep, as on an NFS server that does not answer. A frozen file system
 * (fsfreeze(8)) makes one: no signal ends a process that writes to it.
 */
@Timeout(60)
class FrozenDiskIT {
    @TempDir private Path folder;
    private Path disk;
    private boolean frozen;
    private final Logger log = (Logger) LoggerFactory.getLogger(ProcessTree.class);
    private final ListAppender<ILoggingEvent> told = new ListAppender<>();

    @BeforeEach
    void freeze() throws Exception {
        Path image = folder.resolve("image");
        disk = Files.createDirectory(folder.resolve("disk"));
        assertEquals(0, run("truncate", "-s", "8M", image.toString()));
        assertEquals(0, run("mkfs.ext4", "-q", "-F", image.toString()));
        assumeTrue(
                run("mount", "-o", "loop", image.toString(), disk.toString()) == 0,
                "this user may not mount a file system");
        assertEquals(0, run("fsfreeze", "--freeze", disk.toString()));
        frozen = true;
        told.list = new CopyOnWriteArrayList<>();
        told.start();
        log.addAppender(told);
    }

    @AfterEach
    void thaw() throws Exception {
        log.detachAppender(told);
        if (frozen) {
            run("fsfreeze", "--unfreeze", disk.toString());
        }
        run("umount", disk.toString());
    }

    @Test
    void aChildThatNoSignalEndsIsReportedOnceAndWaitedFor() throws Exception {
        var children = new ChildProcess(Duration.ofSeconds(1));
        List<String> command = List.of("/bin/sh", "-c", "echo x >" + disk.resolve("file"));
        CompletableFuture<ExitResult> result =
                CompletableFuture.supplyAsync(() -> children.run(command, Map.of(), line -> {}));
        World.eventually(Duration.ofSeconds(30), "a report", () -> !told.list.isEmpty());
        assertTrue(!result.isDone(), "the child still sleeps");
        assertEquals(0, run("fsfreeze", "--unfreeze", disk.toString()));
        frozen = false;
        assertInstanceOf(ExitResult.Stalled.class, result.get(20, TimeUnit.SECONDS));
        assertEquals(1, told.list.size(), told.list::toString);
        ILoggingEvent event = told.list.getFirst();
        assertEquals(Level.ERROR, event.getLevel());
        assertTrue(
                event.getFormattedMessage()
                        .matches(
                                "process [0-9]+ \\(sh\\) does not end after SIGKILL, it sleeps in the kernel: .+"),
                event::getFormattedMessage);
    }

    private int run(String program, String... arguments) throws Exception {
        var command = new java.util.ArrayList<>(List.of(Tools.find(program)));
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("said").toFile())
                        .start();
        return process.waitFor();
    }
}
