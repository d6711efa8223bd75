package hookqueue.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import hookqueue.testkit.World;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

class ListenerTest {
    @TempDir Path folder;
    private final List<AFUNIXServerSocketChannel> sockets = new ArrayList<>();

    private static final RequestHandler ANSWERS =
            new RequestHandler() {
                @Override
                public Pending enqueue(List<Request.Enqueue> requests) {
                    return () -> requests.stream().map(r -> "ok queued").toList();
                }

                @Override
                public String answer(Request request, Peer peer, Reply reply) {
                    return "ok";
                }
            };

    /** Of other tests. */
    private final Set<Thread> before = Set.copyOf(Thread.getAllStackTraces().keySet());

    @BeforeEach
    void begin() throws Exception {
        for (String name : List.of("one", "two")) {
            AFUNIXServerSocketChannel socket = AFUNIXServerSocketChannel.open();
            socket.bind(AFUNIXSocketAddress.of(folder.resolve(name)), 128);
            sockets.add(socket);
        }
    }

    @AfterEach
    void end() throws Exception {
        for (AFUNIXServerSocketChannel socket : sockets) {
            socket.close();
        }
    }

    private SocketChannel connect(String name) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(name)));
    }

    private static String ask(SocketChannel client) throws IOException {
        client.write(ByteBuffer.wrap("version\n".getBytes(StandardCharsets.UTF_8)));
        return reader(client).readLine();
    }

    private static BufferedReader reader(SocketChannel client) {
        return new BufferedReader(
                new InputStreamReader(Channels.newInputStream(client), StandardCharsets.UTF_8));
    }

    private Thread run(Listener listener, Listener.Work work) {
        var thread =
                new Thread(
                        () -> {
                            try {
                                listener.run(work);
                            } catch (IOException | InterruptedException e) {
                                throw new AssertionError(e);
                            }
                        },
                        "listener");
        thread.start();
        return thread;
    }

    private static void assertEnds(Thread thread) throws InterruptedException {
        assertTrue(thread.join(Duration.ofSeconds(20)), "it must end");
    }

    /** Sends a signal to one thread of this process, which the JVM ignores. */
    @SuppressWarnings("restricted")
    private static void interruptSystemCall(Thread thread) throws Throwable {
        int id = -1;
        try (var tasks = Files.list(Path.of("/proc/self/task"))) {
            for (Path task : tasks.toList()) {
                if (Files.readString(task.resolve("comm")).strip().equals(thread.getName())) {
                    id = Integer.parseInt(task.getFileName().toString());
                }
            }
        }
        assertTrue(id > 0, "no thread has this name");
        Linker linker = Linker.nativeLinker();
        MethodHandle tgkill =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("tgkill"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT));
        int sigpipe = 13;
        assertEquals(0, (int) tgkill.invokeExact((int) ProcessHandle.current().pid(), id, sigpipe));
    }

    @Test
    @Timeout(30)
    void aSignalDoesNotEndIt() throws Throwable {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofSeconds(60));
        Thread thread = run(listener, () -> false);
        for (int i = 0; i < 30; i++) {
            try (SocketChannel client = connect("one")) {
                assertEquals("ok", ask(client));
            }
            interruptSystemCall(thread);
        }
        listener.stop();
        assertEnds(thread);
    }

    @Test
    void exitsAfterTheIdleTimeout() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(100));
        long began = System.nanoTime();
        assertEnds(run(listener, () -> false));
        assertTrue(System.nanoTime() - began >= 100_000_000);
    }

    @Test
    void doesNotExitWhileWorkRemains() throws Exception {
        var remains = new AtomicBoolean(true);
        var looks = new AtomicInteger();
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ZERO);
        Thread thread =
                run(
                        listener,
                        () -> {
                            looks.incrementAndGet();
                            return remains.get();
                        });
        while (looks.get() < 20) {
            assertTrue(thread.isAlive());
            Thread.sleep(1);
        }
        remains.set(false);
        assertEnds(thread);
    }

    @Test
    void doesNotExitWhileAClientIsConnected() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(50));
        Thread thread;
        try (SocketChannel client = connect("one")) {
            thread = run(listener, () -> false);
            assertEquals("ok", ask(client));
            assertFalse(thread.join(Duration.ofMillis(400)), "the client is still there");
            assertEquals("ok", ask(client));
        }
        assertEnds(thread);
    }

    @Test
    void theIdleTimeoutBeginsWhenTheLastClientHasGone() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(600));
        Thread thread = run(listener, () -> false);
        long gone;
        try (SocketChannel client = connect("one")) {
            assertEquals("ok", ask(client));
            assertFalse(thread.join(Duration.ofMillis(900)), "the client is still there");
            gone = System.nanoTime();
        }
        assertEnds(thread);
        assertTrue(System.nanoTime() - gone >= 600_000_000);
    }

    @Test
    void servesEveryInheritedSocket() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMinutes(1));
        Thread thread = run(listener, () -> false);
        try (SocketChannel one = connect("one");
                SocketChannel two = connect("two")) {
            assertEquals("ok", ask(two));
            assertEquals("ok", ask(one));
        }
        listener.stop();
        assertEnds(thread);
    }

    @Test
    void clientsThatConnectAfterTheExitAreServedByTheNextListener() throws Exception {
        for (int life = 0; life < 20; life++) {
            var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(1));
            Thread thread = run(listener, () -> false);
            try (SocketChannel client = connect("one")) {
                client.write(ByteBuffer.wrap("version\n".getBytes(StandardCharsets.UTF_8)));
                client.shutdownOutput();
                assertEnds(thread);
                assertEnds(
                        run(
                                new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(1)),
                                () -> false));
                assertEquals("ok", reader(client).readLine(), "by one of the two");
            }
        }
    }

    @Test
    void stoppingClosesTheSessionsAndLeavesTheSocketsOpen() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMinutes(1));
        Thread thread = run(listener, () -> false);
        try (SocketChannel client = connect("one")) {
            assertEquals("ok", ask(client));
            listener.stop();
            assertEnds(thread);
            listener.closeSessions(Duration.ofSeconds(5));
            assertNull(reader(client).readLine());
        }
        connect("one").close();
        connect("two").close();
    }

    @Test
    void clientsThatComeAndGoLeaveNoThreadBehind() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMillis(50));
        // On a busy machine the time between two clients may exceed the idle timeout.
        var remains = new AtomicBoolean(true);
        Thread thread = run(listener, remains::get);
        for (int i = 0; i < 500; i++) {
            try (SocketChannel client = connect("one")) {
                if (i % 2 == 0) {
                    assertEquals("ok", ask(client));
                }
            }
        }
        remains.set(false);
        assertEnds(thread);
        listener.closeSessions(Duration.ofSeconds(5));
        assertEquals(0, sessionThreads());
    }

    @Test
    void oneThreadServesClientsThatComeOneAfterTheOther() throws Exception {
        var served = Collections.synchronizedSet(new HashSet<Thread>());
        var listener =
                new Listener(
                        sockets,
                        "/nix/store",
                        new RequestHandler() {
                            @Override
                            public Pending enqueue(List<Request.Enqueue> requests) {
                                return () -> requests.stream().map(request -> "ok").toList();
                            }

                            @Override
                            public String answer(Request request, Peer peer, Reply reply) {
                                served.add(Thread.currentThread());
                                return "ok";
                            }
                        },
                        Duration.ofMinutes(1));
        Thread thread = run(listener, () -> true);
        for (int i = 0; i < 100; i++) {
            try (SocketChannel client = connect("one")) {
                assertEquals("ok", ask(client));
            }
        }
        listener.stop();
        assertEnds(thread);
        listener.closeSessions(Duration.ofSeconds(5));
        assertTrue(served.size() <= SessionThreads.MOST_IDLE, served.toString());
    }

    @Test
    void clientsThatCameTogetherLeaveFewThreadsToWait() throws Exception {
        var listener = new Listener(sockets, "/nix/store", ANSWERS, Duration.ofMinutes(1));
        Thread thread = run(listener, () -> true);
        var clients = new ArrayList<SocketChannel>();
        for (int i = 0; i < 20; i++) {
            clients.add(connect("one"));
        }
        for (SocketChannel client : clients) {
            assertEquals("ok", ask(client));
        }
        assertEquals(20, sessionThreads());
        for (SocketChannel client : clients) {
            client.close();
        }
        World.eventually(
                Duration.ofSeconds(20),
                "most threads have ended",
                () -> sessionThreads() == SessionThreads.MOST_IDLE);
        listener.stop();
        assertEnds(thread);
        listener.closeSessions(Duration.ofSeconds(5));
        assertEquals(0, sessionThreads());
    }

    private long sessionThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().equals("session") && !before.contains(each))
                .count();
    }
}
