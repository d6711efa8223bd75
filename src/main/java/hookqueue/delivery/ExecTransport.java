package hookqueue.delivery;

import hookqueue.base.StorePath;
import hookqueue.base.Text;
import hookqueue.nix.Nix;
import hookqueue.nix.Progress;
import hookqueue.process.ChildProcess;
import hookqueue.process.ExitResult;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a program with the interface of a post-build-hook: the paths as arguments and in {@code
 * OUT_PATHS}, and {@code DRV_PATH} if all of them come from one derivation that Nix knows. The
 * program's output goes to the journal.
 *
 * @param program its absolute path
 */
record ExecTransport(
        DeliveryChild child, ChildProcess children, Map<String, String> environment, String program)
        implements Transport {
    private static final Logger LOG = LoggerFactory.getLogger(ExecTransport.class);
    private static final int LOGGED_LINES = 200;

    @Override
    public DeliveryOutcome carry(List<StorePath> paths, Progress progress) {
        DeliveryOutcome bad = child.checkPaths(paths);
        if (bad != null) {
            return bad;
        }
        Nix nix = child.nix();
        List<String> names = paths.stream().map(path -> path.in(nix.storeDir())).toList();
        var command = new ArrayList<>(List.of(program));
        command.addAll(names);
        var derivers = Collections.synchronizedSet(new HashSet<String>());
        ExitResult asked = children.run(nix.derivers(paths), environment, derivers::add);
        if (asked instanceof ExitResult.Cancelled) {
            return new DeliveryOutcome.Cancelled();
        }
        var variables = new HashMap<String, String>();
        variables.put("OUT_PATHS", String.join(" ", names));
        if (asked.succeeded() && derivers.size() == 1) {
            derivers.stream()
                    .filter(deriver -> deriver.endsWith(".drv"))
                    .forEach(deriver -> variables.put("DRV_PATH", deriver));
        }
        return child.run(command, variables, paths, progress, journal(progress));
    }

    /** Logs the program's output, up to a limit. */
    private Consumer<String> journal(Progress progress) {
        var lines = new AtomicInteger();
        return line -> {
            progress.accept(line);
            int number = lines.incrementAndGet();
            if (number <= LOGGED_LINES) {
                LOG.info("{}: {}", program, DeliveryChild.cut(Text.clean(line.stripTrailing())));
            } else if (number == LOGGED_LINES + 1) {
                LOG.info(
                        "{}: more than {} lines of output; the rest is not logged",
                        program,
                        LOGGED_LINES);
            }
        };
    }
}
