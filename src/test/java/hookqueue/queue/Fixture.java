package hookqueue.queue;

import hookqueue.base.Filters;
import hookqueue.base.StorePath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A queue on real files below one directory, with a clock that stands still. */
public final class Fixture {
    public static final String STORE = "/nix/store";
    public static final List<String> TWO = List.of("ssh://a", "ssh://b");
    public static final List<String> SIGNED = List.of(LaneStore.SIGN, "ssh://a", "ssh://b");

    public final Path state;
    public final Path roots;
    final List<Throwable> fatal = new CopyOnWriteArrayList<>();
    final List<String> progress = new CopyOnWriteArrayList<>();
    public Instant now = Instant.parse("2026-03-01T12:00:00Z");
    public final InstantSource clock = () -> now;

    public Fixture(Path folder) throws IOException {
        this(Files.createDirectories(folder.resolve("state")), folder.resolve("roots"));
    }

    Fixture(Path state, Path roots) throws IOException {
        this.state = state;
        this.roots = Files.createDirectories(roots);
    }

    public Queue open(List<String> lanes) throws QueueException {
        return open(lanes, Filters.ALL);
    }

    public Queue open(List<String> lanes, Filters filters) throws QueueException {
        return open(lanes, Map.of(), filters);
    }

    Queue open(List<String> lanes, Map<String, String> urls, Filters filters)
            throws QueueException {
        return Queue.open(
                new Queue.Settings(state, roots, STORE, lanes, urls, filters),
                clock,
                fatal::add,
                progress::add);
    }

    /** Queues paths for every destination. */
    public void enqueue(Queue queue, List<StorePath> paths, @Nullable String tag)
            throws QueueException, InterruptedException {
        queue.call(t -> {
            t.paths().enqueue(Filters.ALL.select(paths), tag, clock.millis());
            return true;
        });
    }

    Path file() {
        return state.resolve("queue.sqlite");
    }

    public Path spool() {
        return state.resolve("spool");
    }

    /** The names of the roots; asserts that each links to its path. */
    public Set<String> rooted() throws IOException {
        var names = new TreeSet<String>();
        try (Stream<Path> links = Files.list(roots)) {
            for (Path link : links.toList()) {
                String name = link.getFileName().toString();
                if (!Files.readSymbolicLink(link).equals(Path.of(STORE, name))) {
                    throw new AssertionError(link + " leads to " + Files.readSymbolicLink(link));
                }
                names.add(name);
            }
        }
        return names;
    }

    /** The files that the next worker would find after a power failure at this moment. */
    Fixture afterPowerFailure(Path folder) throws IOException {
        Files.createDirectories(folder);
        var copy = new Fixture(folder);
        copy.now = now;
        copyInto(state, copy.state);
        copyInto(roots, copy.roots);
        return copy;
    }

    private static void copyInto(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path each : all.toList()) {
                Path target = to.resolve(from.relativize(each));
                if (Files.isSymbolicLink(each)) {
                    Files.createSymbolicLink(target, Files.readSymbolicLink(each));
                } else if (Files.isDirectory(each)) {
                    Files.createDirectories(target);
                } else {
                    Files.write(target, Files.readAllBytes(each));
                }
            }
        }
    }

    static List<StorePath> fresh(Queue queue, String lane) throws Exception {
        return queue.call(t -> t.lane(lane).fresh(10_000)).stream().map(Entry::path).toList();
    }

    static boolean is(Queue queue, Queue.Task<Boolean> question) throws Exception {
        return queue.call(question);
    }

    static long count(Queue queue, Queue.Task<? extends Number> question) throws Exception {
        return queue.call(question).longValue();
    }

    /** How many paths of a tag are outstanding; all recovered paths without tags if it is null. */
    static long outstanding(Queue queue, @Nullable String tag) throws Exception {
        return queue.call(t -> {
            List<Long> rows =
                    tag == null ? t.waits().untagged(0, 10_000) : t.waits().tagged(tag, 0, 10_000);
            long count = 0;
            for (long row : rows) {
                count += t.waits().outstanding(row) ? 1 : 0;
            }
            return count;
        });
    }

    static LaneCounts lane(Queue queue, String name) throws Exception {
        return queue.call(t -> t.reports().lanes()).stream()
                .filter(lane -> lane.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    public static Set<String> unsettled(Queue queue) throws Exception {
        return queue.call(t -> t.reports().list(0, 1_000_000)).stream()
                .map(row -> row.path().baseName())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The states of a path by lane, as {@code ssh://a FRESH}. */
    public static List<String> standing(Queue queue, StorePath path) throws Exception {
        return queue.call(t -> t.reports().standing(path)).stream()
                .map(row -> row.lane() + " " + row.state())
                .toList();
    }

    static Entry entry(Queue queue, String lane, StorePath path) throws Exception {
        return queue
                .call(t -> {
                    var all = new ArrayList<>(t.lane(lane).fresh(10_000));
                    all.addAll(t.lane(lane).deferred(10_000));
                    return all;
                })
                .stream()
                .filter(entry -> entry.path().equals(path))
                .findFirst()
                .orElseThrow();
    }

    public void deliver(Queue queue, String lane, StorePath path) throws Exception {
        record(queue, lane, new Verdict.Delivered(entry(queue, lane, path)));
    }

    public void fail(Queue queue, String lane, StorePath path, String reason) throws Exception {
        record(queue, lane, new Verdict.Failed(entry(queue, lane, path), 3, reason));
    }

    public void defer(Queue queue, String lane, StorePath path, long dueInMillis) throws Exception {
        record(
                queue,
                lane,
                new Verdict.Deferred(
                        entry(queue, lane, path), 1, 0, clock.millis() + dueInMillis, "later"));
    }

    void record(Queue queue, String lane, Verdict verdict) throws Exception {
        queue.call(t -> {
            t.lane(lane).record(List.of(verdict), 10, clock.millis());
            return true;
        });
    }

    /** Runs statements on the database of a queue that is closed. */
    public void sql(String... statements) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + file(), new Properties());
                Statement s = c.createStatement()) {
            for (String each : statements) {
                s.execute(each);
            }
        }
    }

    /** The single number that a query on a closed queue's database returns. */
    long number(String query) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + file(), new Properties());
                Statement s = c.createStatement();
                var found = s.executeQuery(query)) {
            return found.next() ? found.getLong(1) : -1;
        }
    }

    /** How SQLite would run a statement on the database of a queue that is closed. */
    List<String> plan(String text) throws SQLException {
        var steps = new ArrayList<String>();
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + file(), new Properties());
                Statement s = c.createStatement();
                var found = s.executeQuery("EXPLAIN QUERY PLAN " + text)) {
            while (found.next()) {
                steps.add(found.getString("detail"));
            }
        }
        return steps;
    }

    /**
     * How many commits the write-ahead log holds: frames that carry the size of the database
     * (https://www.sqlite.org/fileformat2.html, 4.1), and the salt of the log as it is now.
     */
    int commits() throws IOException {
        byte[] log = Files.readAllBytes(state.resolve("queue.sqlite-wal"));
        ByteBuffer b = ByteBuffer.wrap(log);
        if (log.length < 32) {
            return 0;
        }
        int page = b.getInt(8);
        long salt = b.getLong(16);
        int commits = 0;
        for (int at = 32; at + 24 + page <= log.length; at += 24 + page) {
            if (b.getLong(at + 8) == salt && b.getInt(at + 4) != 0) {
                commits++;
            }
        }
        return commits;
    }
}
