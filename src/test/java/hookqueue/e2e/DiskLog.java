package hookqueue.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A log of programs' changes to a folder, recorded with strace. It computes the possible states of
 * the disk after a power failure.
 *
 * <p>As strict as POSIX allows: the content of a file is on disk after an fsync of the file, its
 * name after an fsync of its directory; an fsync covers only changes from before it began. Each
 * other write may be on disk or not, independently, and the last write of a file may be torn.
 */
final class DiskLog {
    /** The arguments for strace; the name of the log file follows. */
    static final List<String> STRACE =
            List.of(
                    "strace",
                    "-D",
                    "-f",
                    "-y",
                    "-xx",
                    "-s",
                    "200000",
                    "-e",
                    "trace=open,openat,creat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,fsync,fdatasync,"
                            + "rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,symlink,symlinkat,mkdir,mkdirat",
                    "-e",
                    "signal=none",
                    "-o");

    private static final Pattern CALL =
            Pattern.compile("(\\d+) +(\\w+)\\((.*)\\) += (-?\\d+)(<.*>)?.*");
    private static final Pattern UNFINISHED =
            Pattern.compile("((\\d+) +\\w+\\(.*) <unfinished \\.\\.\\.>");
    private static final Pattern RESUMED = Pattern.compile("(\\d+) +<\\.\\.\\. \\w+ resumed>(.*)");
    private static final Pattern PART =
            Pattern.compile(
                    "\"((?:\\\\x[0-9a-f]{2})*)\"(\\.\\.\\.)?|<((?:\\\\x[0-9a-f]{2})*)>|[^,\\s\"<>]+|,");

    private final Path root;
    private final List<Path> watched;
    private final List<Change> changes = new ArrayList<>();
    private final Set<Integer> moments = new HashSet<>();
    private final Map<String, Inode> names = new HashMap<>();
    private final List<String> replies = new ArrayList<>();
    private final List<Integer> replyMoments = new ArrayList<>();
    private int clock;

    /** A file: what was written, in order. */
    private static final class Inode {
        final List<Change> content = new ArrayList<>();
        long size;
    }

    /**
     * One change.
     *
     * @param begun when it began
     * @param name the file with this content, or the changed name
     * @param inode the file, or null for a link, a folder or a removal
     */
    private static final class Change {
        int begun;
        int ended;
        int durable = Integer.MAX_VALUE;
        String name = "";
        Inode inode;
        boolean isContent;
        long offset;
        byte[] data;
        String target;
        boolean isFolder;
        String from;
    }

    /**
     * @param root the folder that the names of a replay are relative to
     * @param watched folders below it, which are on disk from the beginning; others are ignored
     */
    DiskLog(Path root, List<Path> watched) {
        this.root = root;
        this.watched = List.copyOf(watched);
    }

    /** Appends the log of one run of strace. */
    void read(Path log) throws IOException {
        var open = new HashMap<String, String>();
        var begun = new HashMap<String, Integer>();
        for (String line : Files.readAllLines(log, StandardCharsets.ISO_8859_1)) {
            clock++;
            Matcher unfinished = UNFINISHED.matcher(line);
            Matcher resumed = RESUMED.matcher(line);
            int since = clock;
            String whole = line;
            if (unfinished.matches()) {
                open.put(unfinished.group(2), unfinished.group(1));
                begun.put(unfinished.group(2), clock);
                continue;
            } else if (resumed.matches() && open.containsKey(resumed.group(1))) {
                whole = open.remove(resumed.group(1)) + resumed.group(2);
                since = begun.remove(resumed.group(1));
            }
            Matcher call = CALL.matcher(whole);
            if (call.matches() && !call.group(4).startsWith("-")) {
                take(call.group(2), arguments(call.group(3)), Long.parseLong(call.group(4)), since);
            }
        }
    }

    /** The arguments, strings and descriptors' paths decoded. */
    private static List<String> arguments(String text) {
        var all = new ArrayList<String>(List.of(""));
        Matcher part = PART.matcher(text);
        while (part.find()) {
            if (part.group(2) != null) {
                throw new IllegalStateException("cut short: " + text.substring(0, 80));
            }
            if (part.group().equals(",")) {
                all.add("");
            } else {
                String coded = part.group(1) != null ? part.group(1) : part.group(3);
                String value = coded == null ? part.group() : decoded(coded);
                int last = all.size() - 1;
                all.set(last, part.group(3) != null ? value : all.get(last) + value);
            }
        }
        return all;
    }

    private static String decoded(String hex) {
        var text = new StringBuilder(hex.length() / 4);
        for (int i = 2; i < hex.length(); i += 4) {
            text.append((char) Integer.parseInt(hex, i, i + 2, 16));
        }
        return text.toString();
    }

    private void take(String call, List<String> a, long result, int since) {
        switch (call) {
            case "open", "creat" -> opened(a.get(0), a.subList(1, a.size()), call, since);
            case "openat" -> opened(at(a, 0), a.subList(2, a.size()), call, since);
            case "write" -> {
                if (a.get(0).startsWith("socket:") || a.get(0).startsWith("UNIX")) {
                    replies.add(a.get(1));
                    replyMoments.add(since);
                    moments.add(since);
                } else {
                    Inode file = names.get(a.get(0));
                    written(a.get(0), file == null ? 0 : file.size, bytes(a.get(1), result), since);
                }
            }
            case "pwrite64" ->
                    written(a.get(0), Long.parseLong(a.get(3)), bytes(a.get(1), result), since);
            case "ftruncate", "truncate" -> cut(a.get(0), Long.parseLong(a.get(1)), since);
            case "fsync", "fdatasync" -> synced(a.get(0), since);
            case "rename" -> renamed(a.get(0), a.get(1), since);
            case "renameat", "renameat2" -> renamed(at(a, 0), at(a, 2), since);
            case "unlink", "rmdir" -> named(a.get(0), null, null, false, since);
            case "unlinkat" -> named(at(a, 0), null, null, false, since);
            case "symlink" -> named(a.get(1), null, a.get(0), false, since);
            case "symlinkat" -> named(at(a, 1), null, a.get(0), false, since);
            case "mkdir" -> named(a.get(0), null, null, true, since);
            case "mkdirat" -> named(at(a, 0), null, null, true, since);
            default -> {
                if (a.stream().anyMatch(this::isInside)) {
                    throw new IllegalStateException("a call that is not understood: " + call + a);
                }
            }
        }
    }

    private static String at(List<String> arguments, int folder) {
        return Path.of(arguments.get(folder))
                .resolve(arguments.get(folder + 1))
                .normalize()
                .toString();
    }

    private static byte[] bytes(String text, long count) {
        return Arrays.copyOf(text.getBytes(StandardCharsets.ISO_8859_1), (int) count);
    }

    private boolean isInside(String name) {
        return watched.stream().anyMatch(folder -> name.startsWith(folder + "/"));
    }

    private void opened(String name, List<String> flags, String call, int since) {
        String all = call.equals("creat") ? "O_CREAT|O_TRUNC" : flags.getFirst();
        if (isInside(name) && all.contains("O_CREAT") && !names.containsKey(name)) {
            named(name, new Inode(), null, false, since);
        } else if (all.contains("O_TRUNC")) {
            cut(name, 0, since);
        }
    }

    private Change change(String name, int since) {
        var change = new Change();
        change.begun = since;
        change.ended = clock;
        change.name = name;
        changes.add(change);
        return change;
    }

    private void named(String name, Inode inode, String target, boolean folder, int since) {
        if (!isInside(name)) {
            return;
        }
        Change change = change(name, since);
        change.inode = inode;
        change.target = target;
        change.isFolder = folder;
        if (inode == null) {
            names.remove(name);
        } else {
            names.put(name, inode);
        }
        moments.add(clock);
    }

    private void renamed(String from, String to, int since) {
        if (isInside(to) && names.containsKey(from)) {
            Inode inode = names.remove(from);
            Change change = change(to, since);
            change.inode = inode;
            change.from = from;
            names.put(to, inode);
            moments.add(clock);
        }
    }

    private void written(String name, long offset, byte[] data, int since) {
        Inode file = names.get(name);
        if (file != null) {
            Change change = change(name, since);
            change.inode = file;
            change.isContent = true;
            change.offset = offset;
            change.data = data;
            file.content.add(change);
            file.size = Math.max(file.size, offset + data.length);
            moments.add(clock + 1);
        }
    }

    private void cut(String name, long size, int since) {
        Inode file = names.get(name);
        if (file != null) {
            Change change = change(name, since);
            change.inode = file;
            change.isContent = true;
            change.offset = size;
            file.content.add(change);
            file.size = size;
            moments.add(clock + 1);
        }
    }

    private void synced(String name, int since) {
        Inode file = names.get(name);
        for (Change change : changes) {
            boolean covered =
                    file == null
                            ? !change.isContent && parent(change.name).equals(name)
                            : change.isContent && change.inode == file;
            if (covered && change.ended < since) {
                change.durable = Math.min(change.durable, clock);
            }
        }
        moments.add(since);
        moments.add(clock);
    }

    private static String parent(String name) {
        return name.substring(0, name.lastIndexOf('/'));
    }

    /** The moments when a relevant change began or ended, in order, and the end. */
    List<Integer> moments() {
        moments.add(clock + 1);
        return moments.stream().sorted().toList();
    }

    /** Lines that were sent over sockets up to a moment. */
    List<String> repliesUntil(int moment) {
        var lines = new ArrayList<String>();
        for (int i = 0; i < replies.size() && replyMoments.get(i) <= moment; i++) {
            replies.get(i).lines().forEach(lines::add);
        }
        return lines;
    }

    /** The end of the log that was read so far. */
    int now() {
        return clock + 1;
    }

    /** What happens to unsynced changes. */
    enum Fate {
        LOST,
        KEPT,
        CHANCE
    }

    /**
     * Builds the folder's state after a power failure at a moment.
     *
     * @param into an empty folder that replaces the root
     */
    void replay(int moment, Fate fate, Random random, Path into) throws IOException {
        for (Path folder : watched) {
            Files.createDirectories(into.resolve(root.relativize(folder)));
        }
        var entries = new TreeMap<String, Change>();
        var contents = new HashMap<Inode, List<Change>>();
        for (Change change : changes) {
            boolean there =
                    change.durable <= moment
                            || change.begun < moment
                                    && (fate == Fate.KEPT
                                            || fate == Fate.CHANCE && random.nextBoolean());
            if (!there) {
                continue;
            }
            if (change.isContent) {
                contents.computeIfAbsent(change.inode, key -> new ArrayList<>()).add(change);
            } else {
                entries.remove(change.name);
                if (change.from != null) {
                    entries.remove(change.from);
                }
                if (change.inode != null || change.target != null || change.isFolder) {
                    entries.put(change.name, change);
                }
            }
        }
        for (Map.Entry<String, Change> entry : entries.entrySet()) {
            Path file = into.resolve(root.relativize(Path.of(entry.getKey())));
            if (!Files.isDirectory(file.getParent())) {
                continue; // lost with its folder
            }
            Change change = entry.getValue();
            if (change.isFolder) {
                Files.createDirectory(file);
            } else if (change.target != null) {
                Files.createSymbolicLink(file, Path.of(change.target));
            } else {
                List<Change> writes = contents.getOrDefault(change.inode, List.of());
                Files.write(file, content(writes, moment, fate, random));
            }
        }
    }

    private static byte[] content(List<Change> writes, int moment, Fate fate, Random random) {
        byte[] content = new byte[0];
        for (int i = 0; i < writes.size(); i++) {
            Change write = writes.get(i);
            if (write.data == null) {
                content = Arrays.copyOf(content, (int) write.offset);
                continue;
            }
            int length = write.data.length;
            if (fate == Fate.CHANCE && write.durable > moment && i == writes.size() - 1) {
                length = random.nextInt(length + 1); // torn
            }
            int end = (int) write.offset + length;
            if (end > content.length) {
                content = Arrays.copyOf(content, end);
            }
            System.arraycopy(write.data, 0, content, (int) write.offset, length);
        }
        return content;
    }
}
