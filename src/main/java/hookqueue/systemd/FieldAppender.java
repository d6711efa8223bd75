package hookqueue.systemd;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import hookqueue.base.LogFields;
import hookqueue.base.StorePath;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.spi.MDCAdapter;

/**
 * Sends an event that concerns a destination or a store path to the journal, with fields for {@code
 * journalctl DESTINATION=…} and {@code journalctl STORE_PATH=…}, and writes every other event to
 * standard error.
 *
 * <p>The destination is in the MDC, see {@link LogFields}. The store paths are the arguments of the
 * log call that are one, or a collection of them; an argument without a placeholder does not change
 * the message. The two ways into the journal are not ordered: journald may read a line of one
 * before an earlier line of the other.
 */
final class FieldAppender extends ConsoleAppender<ILoggingEvent> {
    /** As {@code SyslogIdentifier=} of the unit, which the lines of standard error have. */
    private static final String IDENTIFIER = "nix-post-build-hook-queue";

    /** As journald has it for the lines of standard error: daemon. */
    private static final String FACILITY = "3";

    /** journald drops entries with more than 1,024 fields, and the kernel refuses long ones. */
    static final int MOST_PATHS = 500;

    private final MDCAdapter mdc;
    private final JournalSocket socket;
    private final @Nullable String stream;
    private final Path stderr;
    private final String storeDir;

    /** Whether standard error goes to the journal; null before the first question. */
    private volatile @Nullable Boolean isJournal;

    /** The path is the file of standard error. */
    FieldAppender(
            MDCAdapter mdc, JournalSocket socket, Map<String, String> environment, Path stderr) {
        this.mdc = mdc;
        this.socket = socket;
        this.stream = environment.get("JOURNAL_STREAM");
        this.stderr = stderr;
        String dir = environment.getOrDefault("NPBHQ_STORE_DIR", "");
        this.storeDir = dir.isBlank() ? "/nix/store" : Path.of(dir).toString();
    }

    @Override
    protected void append(ILoggingEvent event) {
        if (!sendsFields(event)) {
            super.append(event);
        }
    }

    private boolean sendsFields(ILoggingEvent event) {
        String destination = mdc.get(LogFields.DESTINATION);
        Set<StorePath> paths = paths(event.getArgumentArray());
        if ((destination == null && paths.isEmpty()) || !goesToTheJournal()) {
            return false;
        }
        var entry =
                new JournalSocket.Entry()
                        .with("MESSAGE", Journal.Lines.message(event).stripTrailing())
                        .with("PRIORITY", String.valueOf(Journal.Lines.priority(event.getLevel())))
                        .with("SYSLOG_FACILITY", FACILITY)
                        .with("SYSLOG_IDENTIFIER", IDENTIFIER);
        if (destination != null) {
            entry.with(LogFields.DESTINATION, destination);
        }
        for (StorePath path : paths) {
            entry.with("STORE_PATH", path.in(storeDir));
        }
        return socket.send(entry);
    }

    /** Looked up once: standard error stays what it is. */
    private boolean goesToTheJournal() {
        Boolean known = isJournal;
        if (known == null) {
            known = JournalSocket.isJournal(stream, stderr);
            isJournal = known;
        }
        return known;
    }

    private static Set<StorePath> paths(Object @Nullable [] arguments) {
        if (arguments == null) {
            return Set.of();
        }
        var paths = new LinkedHashSet<StorePath>();
        for (Object argument : arguments) {
            add(paths, argument);
        }
        return paths;
    }

    private static void add(Set<StorePath> paths, @Nullable Object argument) {
        if (argument instanceof Collection<?> some) {
            for (Object each : some) {
                add(paths, each);
            }
        } else if (argument instanceof StorePath path && paths.size() < MOST_PATHS) {
            paths.add(path);
        }
    }
}
