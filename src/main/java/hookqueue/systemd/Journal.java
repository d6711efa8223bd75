package hookqueue.systemd;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.LayoutBase;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.joran.spi.ConsoleTarget;
import hookqueue.base.Text;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.helpers.BasicMDCAdapter;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Sets logback up as SLF4J's provider, in code. SLF4J finds this class by the system property
 * {@code slf4j.provider}. A search for providers and for logback's configuration would open every
 * jar of the class path and slow the start.
 *
 * <p>Lines go to standard error. Under systemd ({@code JOURNAL_STREAM} is set) each begins with its
 * priority, {@code <3>} to {@code <7>}, as sd-daemon(3) describes, and messages about a destination
 * or a store path go to the journal with fields ({@link FieldAppender}). An unknown level counts as
 * {@code info}; the settings report it.
 */
public final class Journal implements SLF4JServiceProvider {
    /** The version of SLF4J's interface that this was written for. */
    private static final String API = "2.0.99";

    /** The property with another place of the journal's socket, for tests and training runs. */
    private static final String PLACE = "hookqueue.journal";

    private final LoggerContext context = new LoggerContext();
    private final IMarkerFactory markers = new BasicMarkerFactory();
    private final MDCAdapter diagnostics = new BasicMDCAdapter();

    /** Made by SLF4J. */
    public Journal() {}

    @Override
    public void initialize() {
        Map<String, String> environment = System.getenv();
        boolean journal = environment.containsKey("JOURNAL_STREAM");
        context.setMDCAdapter(diagnostics);
        var layout = new Lines(journal);
        layout.setContext(context);
        layout.start();
        var encoder = new LayoutWrappingEncoder<ILoggingEvent>();
        encoder.setContext(context);
        encoder.setLayout(layout);
        encoder.start();
        ConsoleAppender<ILoggingEvent> appender =
                journal
                        ? new FieldAppender(
                                diagnostics,
                                new JournalSocket(
                                        Path.of(System.getProperty(PLACE, JournalSocket.PLACE))),
                                environment,
                                Path.of("/proc/self/fd/2"))
                        : new ConsoleAppender<>();
        appender.setContext(context);
        appender.setTarget(ConsoleTarget.SystemErr.getName());
        appender.setEncoder(encoder);
        appender.start();
        var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.addAppender(appender);
        root.setLevel(Level.toLevel(environment.get("NPBHQ_LOG_LEVEL"), Level.INFO));
        context.getLogger("org.sqlite").setLevel(Level.WARN);
        context.start();
    }

    @Override
    public ILoggerFactory getLoggerFactory() {
        return context;
    }

    @Override
    public IMarkerFactory getMarkerFactory() {
        return markers;
    }

    @Override
    public MDCAdapter getMDCAdapter() {
        return diagnostics;
    }

    @Override
    public String getRequestedApiVersion() {
        return API;
    }

    /** Flushes the log; nothing may be logged afterwards. */
    public static void stop() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }

    /** Formats an event; every line has a priority, also those of a stack trace. */
    public static final class Lines extends LayoutBase<ILoggingEvent> {
        private final boolean priorities;

        public Lines(boolean priorities) {
            this.priorities = priorities;
        }

        @Override
        public String doLayout(ILoggingEvent event) {
            String priority =
                    priorities ? "<" + priority(event.getLevel()) + ">" : event.getLevel() + " ";
            var text = new StringBuilder();
            for (String line : message(event).split("\n")) {
                text.append(priority).append(line).append('\n');
            }
            return text.toString();
        }

        /** The message, with the stack trace on further lines; sanitized. */
        static String message(ILoggingEvent event) {
            String message = event.getFormattedMessage();
            IThrowableProxy thrown = event.getThrowableProxy();
            return Text.clean(
                    thrown == null
                            ? message
                            : message + '\n' + ThrowableProxyUtil.asString(thrown));
        }

        static int priority(Level level) {
            return switch (level.toInt()) {
                case Level.ERROR_INT -> 3;
                case Level.WARN_INT -> 4;
                case Level.INFO_INT -> 6;
                default -> 7;
            };
        }
    }
}
